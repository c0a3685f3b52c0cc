#pragma once

#include "tb/museum/exhibit.h"

#include <string>
#include <vector>

namespace mkclean
{

/// The exhibits of a directory, oldest first. Error: input_error for a directory without any, and
/// for a config in it that is none.
std::vector<exhibit_card> read_catalogue(const std::string& directory);

/// A table for people: name, year, commit, title.
std::string catalogue_table(const std::vector<exhibit_card>& cards);
/// docs/museum.md.
std::string catalogue_markdown(const std::vector<exhibit_card>& cards);
/// What stands beside one exhibit.
std::string card_text(const exhibit_card& card);

} // namespace mkclean
