#include "tb/output/report_page.h"

extern "C" {
extern const char mkclean_report_page_begin[];
extern const char mkclean_report_page_end[];
}

namespace mkclean
{

std::string_view report_page()
{
    return {mkclean_report_page_begin,
            static_cast<std::size_t>(mkclean_report_page_end - mkclean_report_page_begin)};
}

} // namespace mkclean
