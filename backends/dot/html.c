/* A page that needs nothing but itself: the drawing, its facts, a style and a script. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "backends/dot/draw.h"
#include "backends/dot/form.h"

/* Only the one script below runs, and nothing is fetched. */
static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'; script-src 'nonce-picture'; base-uri 'none'; form-action "
    "'none'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>";

static const char tools[] =
    "<form id=\"tools\" role=\"search\">\n"
    "<label>search <input id=\"search\" type=\"search\" autocomplete=\"off\"></label>\n"
    "<span id=\"filters\"></span>\n"
    "<button id=\"clear\" type=\"button\">show all</button>\n"
    "<span role=\"group\" aria-label=\"size\"><button id=\"smaller\" type=\"button\" "
    "aria-label=\"smaller\">&#8722;</button>\n"
    "<button id=\"larger\" type=\"button\" aria-label=\"larger\">+</button>\n"
    "<button id=\"fit\" type=\"button\">fit</button>\n"
    "<button id=\"full\" type=\"button\">1:1</button></span>\n"
    "<output id=\"said\" aria-live=\"polite\"></output>\n"
    "</form>\n"
    "<details id=\"help\"><summary>keys</summary>Tab to the drawing; arrow keys: up and down to "
    "the next thing, left and right along a line; Enter selects; Escape shows all; / searches; + "
    "&#8722; 0 change the size; ? shows this.</details>\n";

static const char body[] =
    "</div>\n<aside id=\"side\">\n<section id=\"details\" aria-live=\"polite\"></section>\n"
    "<section><h2>All things shown</h2><ul id=\"list\"></ul></section>\n</aside>\n</main>\n"
    "<div id=\"tip\" role=\"tooltip\" hidden></div>\n<div id=\"print\"></div>\n"
    "<script type=\"application/json\" id=\"data\">";

static void put_heading(FILE *to, const struct picture *p)
{
	fputs("<header>\n<h1>", to);
	put_html(to, p->plan->module);
	fputs(" <span>", to);
	put_html(to, p->view);
	fputs("</span></h1>\n", to);
	for (size_t i = 0; i < p->notes.n; i++) {
		fputs("<p class=\"note\">", to);
		put_html(to, p->notes.at[i]);
		fputs("</p>\n", to);
	}
	fputs(tools, to);
	fputs("</header>\n", to);
}

/* Without the prologue, which only a file of its own has. */
static const char *drawing_in(const char *svg)
{
	const char *start = strstr(svg, "<svg");

	return start ? start : svg;
}

void form_html(FILE *to, const struct picture *p, const char *svg)
{
	fputs(head, to);
	put_html(to, p->plan->module);
	fprintf(to, ", %s</title>\n<style>\n%s</style>\n</head>\n<body>\n", p->view, page_css);
	put_heading(to, p);
	fputs("<main>\n<div id=\"paper\">\n", to);
	fputs(drawing_in(svg), to);
	fputs(body, to);
	form_json(to, p);
	fprintf(to, "</script>\n<script nonce=\"picture\">\n%s</script>\n</body>\n</html>\n",
		page_js);
}
