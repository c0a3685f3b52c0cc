/* MKCLEAN_REPORT_PAGE is the path of web/dist/report.html. */
    .section .rodata
    .global mkclean_report_page_begin
    .global mkclean_report_page_end
mkclean_report_page_begin:
    .incbin MKCLEAN_REPORT_PAGE
mkclean_report_page_end:
    .section .note.GNU-stack, "", %progbits
