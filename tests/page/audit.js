// What an accessibility checker would say of the visible page: a list of complaints, empty when all is well.
() => {
  const complaints = [];
  const shown = (e) => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && !e.closest(".unseen, .skip");
  const all = (query) => [...document.querySelectorAll(query)].filter(shown);
  const tag = (e) => `${e.tagName.toLowerCase()}.${e.getAttribute("class") ?? ""} "${e.textContent.trim().slice(0, 30)}"`;
  const need = (fine, text) => { if (!fine) complaints.push(text); };

  need(document.documentElement.lang && document.title, "a page needs a language and a title");
  for (const [query, times] of [["h1", 1], ["header", 1], ["main", 1], ["[role=log][aria-live=polite]", 1]])
    need(document.querySelectorAll(query).length === times, `${query} must be there ${times} time(s)`);
  const ids = all("[id]").map((e) => e.id);
  need(new Set(ids).size === ids.length, `ids repeat: ${ids}`);
  for (const img of document.images) need(img.hasAttribute("alt"), `no alt: ${img.src}`);
  for (const e of all("[aria-controls], [aria-describedby]"))
    for (const name of ["aria-controls", "aria-describedby"])
      if (e.hasAttribute(name)) need(document.getElementById(e.getAttribute(name)), `${tag(e)} points to nothing by ${name}`);

  const named = (e) => e.getAttribute("aria-label") || e.labels?.[0]?.textContent || (/BUTTON|A|SUMMARY/.test(e.tagName) && e.textContent.trim());
  for (const e of all("button, a, input, select, textarea, summary, [role=slider]")) {
    need(named(e), `no name: ${tag(e)}`);
    const { width, height } = e.getBoundingClientRect();
    const inline = e.tagName === "A" && e.closest("p");
    need(inline || (width >= 44 && height >= 44), `too small (${width} × ${height}): ${tag(e)}`);
  }
  for (const e of all("[role=slider]")) for (const name of ["valuemin", "valuemax", "valuenow", "valuetext"])
    need(e.hasAttribute(`aria-${name}`), `slider without ${name}`);
  need(document.documentElement.scrollWidth <= innerWidth, `wider than the window: ${document.documentElement.scrollWidth}`);

  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const over = (top, under) => { const a = top[3] / 255; return [0, 1, 2].map((i) => top[i] * a + under[i] * (1 - a)).concat(255); };
  const behind = (e) => e ? over(rgba(getComputedStyle(e).backgroundColor), behind(e.parentElement)) : [255, 255, 255, 255];
  const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const contrast = (one, other) => { const [a, b] = [light(one), light(other)].sort((x, y) => y - x); return (a + .05) / (b + .05); };
  const speaks = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || (e.matches("textarea"));
  for (const e of all("body *").filter(speaks)) {
    const ground = behind(e);
    const ratio = contrast(over(rgba(getComputedStyle(e).color), ground), ground);
    need(ratio >= 4.5, `contrast ${ratio.toFixed(2)}: ${tag(e)}`);
  }
  const field = document.querySelector("textarea");
  if (field) need(contrast(rgba(getComputedStyle(field, "::placeholder").color), behind(field)) >= 4.5, "the placeholder is too faint");
  for (const icon of all("button .icon")) need(contrast(rgba(getComputedStyle(icon).color), behind(icon.parentElement)) >= 3, `icon too faint: ${tag(icon.parentElement)}`);
  return complaints;
}
