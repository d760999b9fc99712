/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A flame graph: a box for each function in each way it was called, as wide as the time spent below
 * it; callers are below callees.  The width of the picture is that of all samples, the order is
 * by name, so that two pictures can be compared.  Boxes say more in their titles; a click makes one
 * as wide as the picture.  The script does that only: the picture is complete without it.
 */
#include "profile.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

#define WIDTH  1200.0
#define MARGIN 10.0
#define ROW    17.0
#define HEAD   48.0
#define LETTER 6.6  /* of the font */
#define NARROW 0.25 /* boxes below that are not drawn */

struct drawing {
	struct sbuf *out;
	const struct flame_stack *stack;
	uint64_t total;
	size_t depth; /* of the deepest stack */
};

static const char style[] = "<style>text{font:11px monospace;fill:#111;pointer-events:none}"
			    "#t{font-size:15px}g.f{cursor:pointer}g.f:hover rect{stroke:#000}"
			    "rect{stroke:#fff;stroke-width:.5}</style>\n";

static const char script[] =
    "<script><![CDATA[\n"
    "var fs=[].slice.call(document.querySelectorAll('g.f')),W=%.1f,M=%.1f;\n"
    "function n(e,a){return +e.getAttribute(a)}\n"
    "function put(f,x,w,on){var r=f.querySelector('rect'),t=f.querySelector('text'),s=f.dataset.n,"
    "k=Math.floor((w-4)/%.1f);\n"
    " f.style.display=on?'':'none';r.setAttribute('x',x);r.setAttribute('width',Math.max(w,0));\n"
    " t.setAttribute('x',x+3);t.textContent=k<3?'':s.length<=k?s:s.slice(0,k-2)+'..'}\n"
    "fs.forEach(function(f){f.addEventListener('click',function(){\n"
    " var x=n(f,'data-x'),w=n(f,'data-w'),d=n(f,'data-d'),e=1e-6;\n"
    " fs.forEach(function(o){var ox=n(o,'data-x'),ow=n(o,'data-w'),od=n(o,'data-d');\n"
    "  if(od<d&&ox<=x+e&&ox+ow>=x+w-e)put(o,M,W,true);\n"
    "  else if(od>=d&&ox>=x-e&&ox+ow<=x+w+e)put(o,M+(ox-x)/w*W,ow/w*W,true);\n"
    "  else put(o,0,0,false)})})});\n"
    "]]></script>\n";

static void escaped(struct sbuf *out, const char *s)
{
	for (; *s != '\0'; s++)
		switch (*s) {
		case '<':
			sbuf_puts(out, "&lt;");
			break;
		case '>':
			sbuf_puts(out, "&gt;");
			break;
		case '&':
			sbuf_puts(out, "&amp;");
			break;
		case '"':
			sbuf_puts(out, "&quot;");
			break;
		default:
			/* Names come from a symbol table, where any byte may be. */
			sbuf_add(
			    out, (unsigned char)*s < 0x20 || (unsigned char)*s > 0x7e ? "?" : s, 1);
		}
}

/* Warm for the program, cold for the kernel; the same name has the same shade everywhere. */
static void colour(struct sbuf *out, const struct flame_frame *f)
{
	unsigned h = 5381;

	for (const char *s = f->name; *s != '\0'; s++)
		h = h * 33 + (unsigned char)*s;
	sbuf_printf(out, "hsl(%u,%u%%,%u%%)", f->kernel ? 195 + h % 35 : 12 + h % 38,
	    60 + h / 64 % 25, 64 + h / 4096 % 12);
}

static void box(
    struct drawing *d, const struct flame_frame *f, size_t depth, uint64_t from, uint64_t count)
{
	double x = MARGIN + (double)from / (double)d->total * WIDTH;
	double w = (double)count / (double)d->total * WIDTH;
	double y = HEAD + (double)(d->depth - depth) * ROW;
	size_t room = w > 4 ? (size_t)((w - 4) / LETTER) : 0, len = strlen(f->name);
	struct sbuf *out = d->out;
	char *shown;

	if (w < NARROW)
		return;
	sbuf_printf(out, "<g class=\"f\" data-x=\"%.4f\" data-w=\"%.4f\" data-d=\"%zu\" data-n=\"",
	    x, w, depth);
	escaped(out, f->name);
	sbuf_puts(out, "\"><title>");
	escaped(out, f->name);
	sbuf_printf(
	    out, " (%lu samples, %.1f%%)</title>", count, 100.0 * (double)count / (double)d->total);
	sbuf_printf(out,
	    "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" rx=\"1\" fill=\"", x, y, w,
	    ROW - 1);
	colour(out, f);
	sbuf_printf(out, "\"/><text x=\"%.2f\" y=\"%.1f\">", x + 3, y + ROW - 5);
	if (room >= 3) {
		shown =
		    len <= room ? xstrdup(f->name) : xasprintf("%.*s..", (int)(room - 2), f->name);
		escaped(out, shown);
		free(shown);
	}
	sbuf_puts(out, "</text></g>\n");
}

/* The stacks [lo, hi), which are the same below `depth', begin at sample `from'. */
static void draw(struct drawing *d, size_t lo, size_t hi, size_t depth, uint64_t from)
{
	while (lo < hi) {
		const struct flame_frame *f;
		uint64_t count = 0;
		size_t end;

		if (d->stack[lo].n <= depth) { /* it ends here */
			from += d->stack[lo++].count;
			continue;
		}
		f = &d->stack[lo].frame[depth];
		for (end = lo; end < hi && strcmp(d->stack[end].frame[depth].name, f->name) == 0;
		     end++)
			count += d->stack[end].count;
		box(d, f, depth + 1, from, count);
		draw(d, lo, end, depth + 1, from);
		from += count;
		lo = end;
	}
}

void flame_svg(struct sbuf *out, const struct flame_stack *stack, size_t n, const char *title)
{
	struct drawing d = {.out = out, .stack = stack};
	double height;

	for (size_t i = 0; i < n; i++) {
		d.total += stack[i].count;
		d.depth = stack[i].n > d.depth ? stack[i].n : d.depth;
	}
	height = HEAD + (double)(d.depth + 1) * ROW + MARGIN;
	sbuf_printf(out,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
	    "viewBox=\"0 0 %.0f %.0f\">\n",
	    WIDTH + 2 * MARGIN, height, WIDTH + 2 * MARGIN, height);
	sbuf_puts(out, style);
	sbuf_puts(out, "<rect width=\"100%\" height=\"100%\" fill=\"#fdfdf8\"/>\n<text id=\"t\" "
		       "x=\"10\" y=\"22\">");
	escaped(out, title);
	sbuf_printf(out,
	    "</text>\n<text x=\"10\" y=\"38\">%lu samples; warm: program, cold: kernel; a click "
	    "widens</text>\n",
	    d.total);
	if (d.total > 0) {
		box(&d, &(struct flame_frame){"all", false}, 0, 0, d.total);
		draw(&d, 0, n, 0, 0);
	}
	sbuf_printf(out, script, WIDTH, MARGIN, LETTER);
	sbuf_puts(out, "</svg>\n");
}
