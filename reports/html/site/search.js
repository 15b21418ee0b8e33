/*
The site's search: every word must be in a name, an id or what stands beside it. What can be found is in search-data.js,
which makes globalThis.siteEntries: [kind, name, beside, address]. All text is set by textContent: names come from bills.
*/
"use strict";
(() => {
  const SHOWN = 50;
  const folded = text => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const entries = (globalThis.siteEntries ?? []).map(own => [folded(own.slice(0, 3).join(" ")), ...own]);
  const [field, found, results] = ["find", "found", "results"].map(id => document.getElementById(id));

  const item = ([, kind, name, beside, address]) => {
    const [row, link, bold, small] = ["li", "a", "bdi", "span"].map(tag => document.createElement(tag));
    link.setAttribute("href", address);
    bold.textContent = name;
    link.append(bold);
    small.className = "kind";
    small.textContent = beside ? `${kind}: ${beside}` : kind;
    row.append(link, small);
    return row;
  };

  const search = () => {
    const words = folded(field.value).split(/\s+/).filter(Boolean);
    const hits = words.length ? entries.filter(([text]) => words.every(word => text.includes(word))) : [];
    results.replaceChildren(...hits.slice(0, SHOWN).map(item));
    const more = hits.length > SHOWN ? `; the first ${SHOWN} are shown` : "";
    found.textContent = words.length ? `${hits.length} of ${entries.length} found${more}` : "";
  };

  let due = 0;
  field.addEventListener("input", () => { clearTimeout(due); due = setTimeout(search, 60); });
  field.focus();
  search();
})();
