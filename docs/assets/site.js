// Names for what the theme leaves without one: the search's dialog, the menu of each code block, and each table, which
// the keyboard can then scroll.
function name() {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  document.querySelectorAll(".md-code__nav").forEach((menu, place) => {
    menu.setAttribute("aria-label", `Code block ${place + 1}`);
  });
  document.querySelectorAll(".md-typeset__scrollwrap").forEach((table, place) => {
    table.setAttribute("tabindex", "0");
    table.setAttribute("role", "region");
    table.setAttribute("aria-label", `Table ${place + 1}`);
  });
}
new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
name();
