// Names for what the theme leaves without one: the search's dialog, and the menu of each code block.
function name() {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  document.querySelectorAll(".md-code__nav").forEach((menu, place) => {
    menu.setAttribute("aria-label", `Code block ${place + 1}`);
  });
}
new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
name();
