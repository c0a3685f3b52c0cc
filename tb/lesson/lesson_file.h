#pragma once

#include "tb/lesson/lesson.h"

namespace mkclean
{

// A lesson's file. A line is a directive; lines that begin with a blank go on with the one above
// (an empty one between them begins a paragraph); `#` at the start of a line begins a comment.
//
//     title    A store and one bit
//     level    easy                     easy, moderate or hard
//     minutes  10
//     config   ../museum/x.cfg          relative to the file; without it, the .cfg of its own name
//     page     1 0                      whose life is told: inode and page
//     since    page fault               the step that it begins with; without it, all is told
//     show     walker sets D, store     the steps that the table has; without it, all
//     figure   page faults = /vm/pgfault
//     vary     stores = workload.value from 2 3 5
//
//     text     What one has to know.    {EXPR} is its value, where there is one
//     question What will be seen?
//     choice   Once.                    two to six of them, each with
//     when     EXPR                     it is the right one: of exactly one choice, in every run
//     why      Why it is right; or wrong, of one that is right in no variant.
//     why_not  Why it is wrong, of one that may be right.
//     golden                            behind the choice that is right for seed 1
//
//     break    OPTION=VALUE...          the second run; its own text, question and choices follow
//
//     fix      base                     or broken: whose machine is to be repaired
//     task     What is to be reached.
//     must     EXPR                     of the repaired run; `before` is the one to be repaired
//     may_change      OPTION...         and nothing else: a name, or group.*;
//                                       behind `at_most N`, so many of them
//     may_not_change  OPTION...
//     hint     For whoever fails this condition.
//     wrong_fix  OPTION=VALUE...        fails this condition first
//     golden_fix OPTION=VALUE...
//     tip      What to look at.         one after the other, of `lesson hint`
//
//     link     museum zap-before-flush  or kernel, commit, docs, config
//
// Expressions are in tb/lesson/expression.h.

/// Reads a lesson. Error: input_error with the line for whatever that does not allow, and for a
/// lesson without what every one has; as in read_text_file().
lesson read_lesson(const std::string& path);

/// "OPTION=VALUE...", with blanks between. Error: input_error.
option_values parse_option_values(std::string_view text, const origin& where);

} // namespace mkclean
