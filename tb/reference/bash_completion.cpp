#include "tb/reference/bash_completion.h"

#include <fmt/format.h>

namespace mkclean
{
namespace
{

// Values are words; @file and @axis are what words cannot say, @text is nothing to be completed.
std::string values_of(const option_info& option)
{
    switch (option.type) {
    case option_type::flag:
        return "on off";
    case option_type::choice:
        return fmt::format("{}", fmt::join(option.choices, " "));
    case option_type::path:
        return "@file";
    default:
        return option.name == "vary" ? "@axis" : "@text";
    }
}

std::string kind_of(const verb& one)
{
    switch (one.kind) {
    case operand_kind::config:
        return "@config";
    case operand_kind::file:
        return "@file";
    case operand_kind::option:
        return "@option";
    case operand_kind::exhibit:
        return "@exhibit";
    case operand_kind::listed:
        return fmt::format("{}", fmt::join(one.listed, " "));
    case operand_kind::nothing:
        break;
    }
    return "";
}

std::string dashed_names(const option_set& options)
{
    std::string all;
    for (const std::string& name : options.names())
        all += (all.empty() ? "--" : " --") + name;
    return all;
}

std::string verb_names(const program& about)
{
    std::string all;
    for (const verb& one : about.verbs)
        all += one.name + ' ';
    return all + "--help --version";
}

/// One entry of an associative array.
std::string entry(const std::string& key, const std::string& value)
{
    return fmt::format("  ['{}']='{}'\n", key, value);
}

std::string array(const std::string& name, const std::string& entries)
{
    // -g, for who loads completions does so within a function.
    return fmt::format("declare -gA {}=(\n{})\n", name, entries);
}

/// `of_whom` is a verb and a blank, for what only that verb has, or "".
std::string value_entries(const std::string& of_whom, const option_set& options)
{
    std::string entries;
    for (const option_info& option : options.all())
        entries += entry(of_whom + "--" + option.name, values_of(option));
    return entries;
}

std::string value_arrays(const program& about)
{
    std::string values = value_entries("", about.model);
    std::string flags;
    for (const verb& one : about.verbs)
        values += value_entries(one.name + ' ', one.own);
    return array("_mkclean_values", values);
}

std::string verb_arrays(const program& about)
{
    std::string options;
    std::string operands;
    std::string modelled;
    for (const verb& one : about.verbs) {
        options += entry(one.name, dashed_names(one.own) + " --help");
        operands += entry(one.name, kind_of(one));
        if (one.takes_model_options)
            modelled += entry(one.name, "yes");
    }
    return array("_mkclean_own", options) + array("_mkclean_operands", operands) +
           array("_mkclean_takes_model_options", modelled);
}

constexpr const char* functions = R"bash(
# configs/ of the program that is completed: above its file, or in share/mkclean there.
_mkclean_configs_directory() {
  local above configs
  above=$(readlink -f -- "$(type -P -- "$1")")
  while above=${above%/*} && [[ $above ]]; do
    for configs in "$above/configs" "$above/share/mkclean/configs"; do
      [[ -d $configs/museum ]] && { echo "$configs"; return; }
    done
  done
}

_mkclean_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }

_mkclean_files() {
  mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  compopt -o filenames 2>/dev/null
}

# Configs here, and those of the program by their name or by their path below its directory.
_mkclean_config_files() {
  local configs file name
  mapfile -t COMPREPLY < <(compgen -f -X '!*.cfg' -- "$cur"; compgen -d -- "$cur")
  compopt -o filenames 2>/dev/null
  configs=$(_mkclean_configs_directory "$program")
  [[ $configs ]] || return
  for file in "$configs"/*.cfg "$configs"/*/*.cfg; do
    name=${file#"$configs"/}
    [[ $name == "$cur"* || ( $cur && ${name##*/} == "$cur"* ) ]] || continue
    [[ $cur || $name != */* ]] && COMPREPLY+=("$file")
  done
}

_mkclean_exhibits() {
  local -a names
  names=("$(_mkclean_configs_directory "$program")"/museum/*.cfg)
  names=("${names[@]##*/}")
  _mkclean_words "${names[*]%.cfg}"
}

_mkclean_axes() {
  mapfile -t COMPREPLY < <(compgen -S = -W "${_mkclean_model//--/}" -- "$cur")
  compopt -o nospace 2>/dev/null
}

_mkclean_value() {
  case $1 in
    @file) _mkclean_files ;;
    @axis) _mkclean_axes ;;
    @text) ;;
    *) _mkclean_words "$1" ;;
  esac
}

_mkclean_operand() {
  case $1 in
    @config) _mkclean_config_files ;;
    @file) _mkclean_files ;;
    @option) _mkclean_words "${_mkclean_model//--/}" ;;
    @exhibit) _mkclean_exhibits ;;
    *) _mkclean_words "$1" ;;
  esac
}

_mkclean() {
  local program=$1 cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD-1]} verb glued model values
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _mkclean_words "$_mkclean_verbs"
    return
  fi
  verb=${COMP_WORDS[1]}
  [[ ${_mkclean_own[$verb]-} ]] || return
  # Readline makes a word of an equals sign.
  if [[ $cur == = ]]; then
    glued=yes cur=
  elif [[ $option == = ]]; then
    glued=yes option=${COMP_WORDS[COMP_CWORD-2]}
  fi
  [[ ${_mkclean_takes_model_options[$verb]-} ]] && model=$_mkclean_model
  values=${_mkclean_values[$verb $option]-${model:+${_mkclean_values[$option]-}}}
  # A flag has a value only behind an equals sign.
  if [[ $values && ( $glued || $values != 'on off' ) ]]; then
    _mkclean_value "$values"
  elif [[ $cur == -* ]]; then
    _mkclean_words "${_mkclean_own[$verb]} $model"
  else
    _mkclean_operand "${_mkclean_operands[$verb]}"
  fi
}
complete -F _mkclean mkclean
)bash";

} // namespace

std::string bash_completion(const program& about)
{
    return "# bash completion for mkclean(1), printed by `mkclean reference bash-completion`\n" +
           fmt::format("_mkclean_verbs='{}'\n_mkclean_model='{}'\n", verb_names(about),
                       dashed_names(about.model)) +
           verb_arrays(about) + value_arrays(about) + functions;
}

} // namespace mkclean
