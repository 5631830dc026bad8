#include "report/html_page.h"

#include <fmt/format.h>

#include "report/markup.h"

namespace cambium::report {
namespace {

// Colours: series 1-6 keep 3:1 contrast on both grounds and differ in lightness, so that they are told apart without
// colour.
constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--ground:#fdfdfb;--text:#1c1f1d;--quiet:#5b625e;--line:#d5d9d4;--panel:#f3f5f1;
--s1:#1f6f4a;--s2:#b3541e;--s3:#3454a4;--s4:#8a3a8c;--s5:#7a6a00;--s6:#0a7c8c;--good:#1f6f4a;--bad:#b02a2a}
@media (prefers-color-scheme:dark){:root{--ground:#141714;--text:#e6e9e4;--quiet:#a3aca5;--line:#3a413c;--panel:#1d211e;
--s1:#62c796;--s2:#f0955a;--s3:#8fa8f5;--s4:#d690d8;--s5:#d1bf4a;--s6:#5cc8d8;--good:#62c796;--bad:#f08080}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:16px/1.55 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.7rem;line-height:1.2}h2{font-size:1.3rem;margin-top:2.5rem;border-bottom:1px solid var(--line)}h3{font-size:1.05rem}
a{color:var(--s3)}:focus-visible{outline:3px solid var(--s2);outline-offset:2px}
figure{margin:1.5rem 0}figcaption{color:var(--quiet);font-size:.9rem;max-width:46rem}
svg{display:block;max-width:100%;height:auto;font-family:inherit}
svg text{fill:var(--text)}svg .quiet{fill:var(--quiet)}svg .rule{stroke:var(--line)}svg .axis{stroke:var(--quiet)}
svg .ground{fill:var(--ground)}svg .part{stroke:var(--ground)}
.scroll{overflow-x:auto;max-width:100%}
p,li,dd,summary{overflow-wrap:break-word}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1rem;padding:0}
.lead{font-size:1.05rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{font-weight:600}dd{margin:0}
.flip{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;align-items:start}
.flip img{image-rendering:pixelated;width:96px;border:1px solid var(--line);grid-column:1/-1}
.answer{white-space:pre-wrap;overflow-wrap:anywhere}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.92rem}
.caption{color:var(--quiet);font-size:.92rem;margin:1rem 0 .3rem}
th,td{padding:.3rem .7rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top}
th{font-weight:600}th:first-child,td:first-child,.left{text-align:left}
td{white-space:nowrap}.word{text-align:left}td.long{white-space:normal;min-width:12rem}tbody th{min-width:7rem}tbody th{position:sticky;left:0;background:var(--ground)}
pre,code{font-family:ui-monospace,monospace;font-size:.88rem}
pre{background:var(--panel);padding:.8rem;overflow-x:auto;border-radius:4px}
details{margin:.8rem 0}summary{cursor:pointer}
.good{color:var(--good)}.bad{color:var(--bad)}.quiet{color:var(--quiet)}
@media (max-width:40rem){figure svg{max-width:none;width:36rem}dl,.flip{grid-template-columns:1fr}dd{margin-bottom:.4rem}
th,td{padding:.3rem .45rem}tbody th{max-width:9rem;overflow-wrap:break-word}}
@media print{:root{--ground:#fff}body{font-size:11px}main{max-width:none}nav{display:none}figure,tr,li{break-inside:avoid}
.scroll{overflow:visible}pre{white-space:pre-wrap}}
)css";

}  // namespace

std::string html_page(std::string_view title, std::string_view body) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n"
      "<link rel=\"icon\" "
      "href=\"data:,\">\n<style>{}</style>\n</head>\n<body>\n<main>\n{}\n</main>\n</body>\n</html>\n",
      escaped(title), kStyle, body);
}

std::string figure_html(std::string_view svg, std::string_view name, std::string_view caption) {
  const std::string text = caption.empty() ? "" : fmt::format("<figcaption>{}</figcaption>", escaped(caption));
  return fmt::format(
      "<figure><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">{}</div>{}</figure>\n",
      escaped(name), svg, text);
}

}  // namespace cambium::report
