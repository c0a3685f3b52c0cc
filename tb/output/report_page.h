#pragma once

#include <string_view>

namespace mkclean
{

/// web/dist/report.html, which is linked in: the page that shows a run, without one.
std::string_view report_page();

/// Where the data of a run goes into it.
constexpr std::string_view report_data_mark = "<!--mkclean:data-->";

} // namespace mkclean
