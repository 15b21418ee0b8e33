/*
What the page does beyond being read: tables sort, are searched and paged; categories open to services, services to
resources. Without this script everything that the templates wrote stays as it is. It asks for nothing over the network
and makes all text by textContent: names come from bills. The page allows this one script, by its hash.

A template asks for it by attributes:

  <table data-table>            headings sort; a search field over more than 15 rows; pages over more than 50 rows
  <table data-noun="budgets">   what its rows are called when they are counted; else "rows"
  <th data-kind="number">       its cells are numbers, as those of class "num" are anyway
  <th data-sort="none">         this heading does not sort
  <td data-v="12.50">           what a cell is sorted by: an exact decimal, an ISO date or a text; else its own text.
                                Empty: nothing, which comes last either way. A column of numbers in which a cell that
                                says something has none does not sort
  <tr data-rest>                a row that stays at the end: a sum of others, what belongs to nothing. tfoot stays anyway
  <tr class="group">            the first row of a tbody of its own: it sorts with the other groups, its rows inside it
  <table data-drill="0">        rows of services, made anew from the page's data about the currency of that number
  <div data-resources="0">      where the table of all its resources goes

Amounts are decimals of 18 places, as BigInt: sums here are as exact as those of the warehouse.
*/
"use strict";
(() => {
  const SEARCHED = 15, PAGED = 50, PAGE = 25, FIRST = 10, MORE = 20;
  const SCALE = 18;
  const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });

  // --- Figures ------------------------------------------------------------------------------

  const exact = text => {
    const found = /^([-−]?)(\d+)(?:\.(\d+))?$/.exec(text);
    if (!found) return null;
    const size = BigInt(found[2] + (found[3] ?? "").padEnd(SCALE, "0").slice(0, SCALE));
    return found[1] ? -size : size;
  };

  const plain = value => {
    const text = (value < 0n ? -value : value).toString().padStart(SCALE + 1, "0");
    const part = text.slice(-SCALE).replace(/0+$/, "");
    return (value < 0n ? "−" : "") + text.slice(0, -SCALE) + (part && "." + part);
  };

  const halfEven = (value, by) => {
    const negative = value < 0n !== by < 0n;
    const [size, unit] = [value < 0n ? -value : value, by < 0n ? -by : by];
    let whole = size / unit;
    const twice = (size % unit) * 2n;
    if (twice > unit || (twice === unit && whole % 2n)) whole += 1n;
    return negative ? -whole : whole;
  };

  /* Write units of the last decimal as the report writes figures; see spelling() in page_data.py. */
  const written = (units, like, digits = like.digits) => {
    const text = (units < 0n ? -units : units).toString().padStart(digits + 1, "0");
    let whole = digits ? text.slice(0, -digits) : text;
    const part = digits ? like.decimal + text.slice(-digits) : "";
    if (like.group) {
      let [size, next] = like.sizes, grouped = "";
      for (; whole.length > size; size = next) {
        grouped = like.group + whole.slice(-size) + grouped;
        whole = whole.slice(0, -size);
      }
      whole += grouped;
    }
    const [before, after] = units < 0n ? like.negative : like.positive;
    return before + whole + part + after;
  };

  const count = (number, like) => written(BigInt(number), like.count);

  /* An amount in units of the last decimal that is shown: of "< $0.01" it is 0. */
  const seen = (value, like) => {
    const unit = 10n ** BigInt(SCALE - like.money.digits);
    const units = ((value < 0n ? -value : value) + unit / 2n) / unit;
    return value < 0n ? -units : units;
  };

  const money = (value, like) => {
    const units = seen(value, like);
    if (units === 0n && value !== 0n) return value > 0n ? `< ${written(1n, like.money)}` : `> ${written(-1n, like.money)}`;
    return written(units, like.money);
  };

  const percent = (part, whole, like) => {
    if (whole === 0n) return "–";
    const share = halfEven(part * 100000000n, whole), tenths = halfEven(share, 100000n);
    const large = share >= 10000000000n || share <= -10000000000n;
    return large ? written(halfEven(tenths, 10n), like.percent, 0) : written(tenths, like.percent);
  };

  const sum = values => values.reduce((all, own) => all + own, 0n);
  const triple = texts => texts.map(exact);
  const less = (whole, ...parts) => whole.map((own, at) => own - sum(parts.map(part => part[at])));
  const isNothing = amounts => amounts.every(own => own === 0n);

  /* What a shown sum is more than its shown parts, in units of the last decimal. */
  const left = (whole, parts, like) => whole.map((own, at) => seen(own, like) - sum(parts.map(part => seen(part[at], like))));

  // --- Elements -----------------------------------------------------------------------------

  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "text") element.textContent = value;
      else if (value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children);
    return element;
  };

  const button = (text, does, attributes = {}) => {
    const element = make("button", { type: "button", text, ...attributes });
    element.addEventListener("click", () => element.getAttribute("aria-disabled") !== "true" && does(element));
    return element;
  };

  const amount = (value, like) => make("td", { class: "num", title: plain(value), text: money(value, like) });
  const share = (value, whole, like) => make("td", { class: "num", text: percent(value, whole, like) });
  const signed = (units, like) =>
    make("td", { class: "num", text: units === 0n ? "" : (units > 0n ? "+" : "") + written(units, like.money) });
  const costs = (own, whole, like) => [...own.map(value => amount(value, like)), share(own[0], whole[0], like)];

  // --- Parts of every table -----------------------------------------------------------------

  const folded = text => (/[^\x00-\x7f]/.test(text) ? text.normalize("NFKD").replace(/\p{M}/gu, "") : text).toLowerCase();

  /* One order of two values: null comes last whichever way. */
  const compared = (a, b, way) => {
    if (a === null || b === null) return (a === null) - (b === null);
    const order = typeof a === "bigint" ? (a < b ? -1 : a > b ? 1 : 0) : collator.compare(a, b);
    return way * order;
  };

  const isNumeric = heading => heading.classList.contains("num") || heading.dataset.kind === "number";

  /* Headings become buttons: the first press sorts numbers down and texts up, the second turns, the third takes it back. */
  const sortable = (headings, sort) => {
    for (const [at, heading] of headings) {
      const first = isNumeric(heading) ? -1 : 1;
      const press = button("", () => {
        const before = heading.getAttribute("aria-sort");
        const way = before === null ? first : (before === "ascending" ? 1 : -1) === first ? -first : 0;
        headings.forEach(([, other]) => other.removeAttribute("aria-sort"));
        if (way) heading.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
        sort(at, way);
      }, { class: "sort" });
      press.append(...heading.childNodes);
      heading.append(press);
    }
  };

  /* A search field and the place where it says what it found; every word must be in a row. */
  const searched = (label, search) => {
    const field = make("input", { type: "search", autocomplete: "off", spellcheck: "false" });
    const found = make("p", { class: "found", role: "status" });
    let due = 0;
    field.addEventListener("input", () => {
      clearTimeout(due);
      due = setTimeout(() => search(folded(field.value).split(/\s+/).filter(Boolean)), 60);
    });
    const tools = make("div", { class: "tools" }, make("label", {}, make("span", { text: label }), field), found);
    return { tools, found };
  };

  const matches = (text, words) => words.every(word => text.includes(word));

  /* Which rows are shown of how many, and ways on; the numbers follow the report's locale where it is known. */
  const paged = (noun, size, turn, number) => {
    let page = 0, total = 0;
    const range = make("span", { class: "range" });
    const step = by => () => { page += by; turn(); };
    const back = button("Previous", step(-1)), on = button("Next", step(1));
    const sizes = make("select", {}, ...[size, 100, 500].map(own => make("option", { value: own, text: own })));
    sizes.addEventListener("change", () => { size = Number(sizes.value); page = 0; turn(); });
    const choice = make("label", {}, make("span", { text: "Rows" }), sizes);
    const bar = make("div", { class: "pages", role: "group", "aria-label": `Pages of ${noun}` }, back, range, on, choice);
    return {
      bar,
      reset: () => { page = 0; },
      cut: items => {
        total = items.length;
        const last = Math.max(0, Math.ceil(total / size) - 1);
        page = Math.min(Math.max(page, 0), last);
        const from = page * size, to = Math.min(total, from + size);
        range.textContent = total ? `${number(from + 1)}–${number(to)} of ${number(total)}` : `0 of 0`;
        back.setAttribute("aria-disabled", String(page === 0));
        on.setAttribute("aria-disabled", String(page === last));
        bar.hidden = total <= PAGE;
        return [from, to];
      },
    };
  };

  // --- Tables that the templates wrote ------------------------------------------------------

  /* A row's cell in a column; null where a cell before it, or it itself, spans several. */
  const cellOf = (row, at) => {
    const cells = [...row.cells].slice(0, at + 1);
    return cells.length > at && cells.every(own => own.colSpan === 1) ? cells[at] : null;
  };

  const cellValue = (row, at, numeric) => {
    const cell = cellOf(row, at);
    if (!cell) return null;
    const text = cell.dataset.v ?? (numeric ? "" : cell.textContent.trim());
    return numeric ? exact(text) : text === "–" ? null : text;
  };

  const isSortable = (heading, at, rows) => {
    if (heading.dataset.sort === "none" || heading.colSpan > 1) return false;
    return !isNumeric(heading) || rows.every(row => {
      const cell = cellOf(row, at);
      return !cell || (cell.dataset.v === undefined ? ["", "–"].includes(cell.textContent.trim()) : true);
    });
  };

  const headingsOf = table => [...table.tHead.rows[0].cells].map((heading, at) => [at, heading]);

  const enhance = table => {
    const noun = table.dataset.noun ?? "rows", number = own => String(own);
    const groups = [...table.tBodies].map(body => {
      const rows = [...body.rows], head = rows[0]?.classList.contains("group") ? rows.shift() : null;
      return { body, head, ends: rows.filter(own => "rest" in own.dataset), rows: rows.filter(own => !("rest" in own.dataset)) };
    });
    const rows = groups.flatMap(own => own.rows);
    if (rows.length < 2) return;
    const texts = new Map();
    const text = row => texts.get(row) ?? texts.set(row, folded(row.textContent)).get(row);
    const hasSums = Boolean(table.tFoot || groups.some(own => own.head || own.ends.length));
    const region = table.closest(".scroll") ?? table.parentElement;
    let at = 0, way = 0, words = [], pages = null, search = null;

    const ordered = (items, row) => {
      if (!way) return [...items];
      const numeric = isNumeric(table.tHead.rows[0].cells[at]);
      return items.map(own => [own, row(own) && cellValue(row(own), at, numeric)])
        .sort((a, b) => compared(a[1], b[1], way)).map(([own]) => own);
    };
    const update = () => {
      let shown = 0;
      for (const { body, head, rows, ends } of ordered(groups, own => own.head ?? own.rows[0])) {
        const isWhole = head && matches(text(head), words);
        const found = ordered(rows, own => own).filter(row => isWhole || matches(text(row), words));
        const [from, to] = pages ? pages.cut(found) : [0, found.length];
        found.forEach((row, place) => row.classList.toggle("off", place < from || place >= to));
        const kept = [...(head && (found.length || isWhole) ? [head] : []), ...found, ...(words.length && head && !found.length ? [] : ends)];
        if (head) kept.forEach((row, place) => row.classList.toggle("last", place === kept.length - 1 && row !== head));
        body.replaceChildren(...kept);
        table.append(body);
        shown += found.length;
      }
      if (table.tFoot) table.append(table.tFoot);
      if (search) search.found.textContent = words.length ? `${shown} of ${rows.length} ${noun} found${hasSums ? "; sums are of all" : ""}` : "";
    };
    const sort = (column, direction) => {
      [at, way] = [column, direction];
      pages?.reset();
      update();
    };
    if (table.tHead) sortable(headingsOf(table).filter(([column, heading]) => isSortable(heading, column, rows)), sort);
    if (rows.length > SEARCHED) {
      search = searched(`Search ${noun}`, own => { words = own; pages?.reset(); update(); });
      region.prepend(search.tools);
    }
    if (rows.length > PAGED && groups.length === 1 && !groups[0].head) {
      pages = paged(noun, PAGE, update, number);
      region.append(pages.bar);
      update();
    }
  };

  // --- The page's data ----------------------------------------------------------------------

  const read = id => JSON.parse(document.getElementById(id)?.textContent ?? "[]");
  const sections = read("page-services");
  let loaded = null;

  /* All resources of a currency: lines are what one costs in one service. Read when somebody asks first. */
  const resourcesOf = number => {
    loaded ??= read("page-resources");
    const own = loaded[number];
    if (own.all) return own;
    const billed = own.billed.map(exact);
    const other = texts => texts.map((text, line) => text ? exact(text) : billed[line]);
    own.costs = [billed, other(own.effective), other(own.list)];
    own.all = own.id.map(() => []);
    own.byService = sections[number].services.map(() => []);
    own.resource.forEach((resource, line) => own.all[resource].push(line));
    own.service.forEach((service, line) => own.byService[service].push(line));
    own.sums = [0, 1].map(at => own.all.map(lines => sum(lines.map(line => own.costs[at][line]))));
    own.fullId = resource => own.prefixes[own.prefix[resource]] + own.id[resource];
    own.title = resource => own.name[resource] || own.fullId(resource);
    own.where = resource => [own.accounts[own.account[resource]] || "–", own.regions[own.region[resource]]];
    return own;
  };

  const isolated = text => make("bdi", { text });

  const resourceName = (own, resource, kind) => {
    const parts = [make("span", { class: "name" }, isolated(own.title(resource)))];
    const small = [own.name[resource] && own.fullId(resource), kind].filter(Boolean);
    return [...parts, ...small.map(text => make("span", { class: "id" }, isolated(text)))];
  };

  // --- From category to service to resource -------------------------------------------------

  const drill = table => {
    const number = Number(table.dataset.drill), like = sections[number];
    if (!like?.services.length) return;
    const total = triple(like.total);
    const services = like.services.map(([category, name, resources, own, unattached], place) => ({
      place, category, name, resources, own: triple(own), unattached: triple(unattached), text: folded(name), shown: 0,
    }));
    const categories = like.categories.map((name, place) => {
      const own = services.filter(service => service.category === place);
      const costs = [0, 1, 2].map(at => sum(own.map(service => service.own[at])));
      return { name, services: own, own: costs, isOpen: false, shown: FIRST, body: make("tbody") };
    });
    let at = 0, way = 0, words = [], search = null;

    const ordered = (items, name, own) => {
      if (!way) return items;
      const key = item => at === 0 ? name(item) : own(item)[at === 4 ? 0 : at - 1];
      return items.map(item => [item, key(item)]).sort((a, b) => compared(a[1], b[1], way)).map(([item]) => item);
    };
    const row = (kind, head, own, isShut = false) =>
      make("tr", { class: kind + (isShut ? " shut" : "") }, make("th", { scope: "row" }, ...head), ...costs(own, total, like));
    const again = (text, does) => button(text, does, { class: "more" });
    /* The row, if any, that makes these parts add up to their sum as they are shown. */
    const rounding = (kind, whole, parts, isShut = false) => {
      const units = left(whole, parts, like);
      if (isNothing(units)) return [];
      const cells = units.map(own => signed(own, like));
      return [make("tr", { class: kind + (isShut ? " shut" : "") }, make("th", { scope: "row", text: "Rounding" }), ...cells, make("td"))];
    };

    const leaves = service => {
      const own = resourcesOf(number);
      const cost = line => own.costs.map(column => column[line]);
      const lines = way
        ? ordered(own.byService[service.place], line => own.title(own.resource[line]), cost)
        : [...own.byService[service.place]].sort((a, b) => compared(own.costs[0][a], own.costs[0][b], -1));
      const shown = lines.slice(0, service.shown).map(line => [line, cost(line)]);
      const made = shown.map(([line, costs]) => {
        const resource = own.resource[line];
        const name = make("span", { class: "name", title: own.fullId(resource) }, isolated(own.name[resource] || own.id[resource] || own.fullId(resource)));
        const where = make("span", { class: "id" }, isolated(own.where(resource).filter(Boolean).join(", ")));
        return row("leaf", [name, where], costs);
      });
      const parts = shown.map(([, costs]) => costs);
      const others = service.resources - shown.length;
      if (others) {
        const rest = less(service.own, service.unattached, ...parts);
        parts.push(rest);
        const isMore = lines.length > shown.length;
        const label = `${count(others, like)} other ${others === 1 ? "resource" : "resources"}${isMore ? "" : ", not on this page"}`;
        const head = [make("span", { text: label })];
        if (isMore) head.push(" ", again(`Show ${Math.min(MORE, lines.length - shown.length)} more`, () => { service.shown += MORE; paint(service); }));
        made.push(row("leaf", head, rest));
      }
      if (!isNothing(service.unattached)) {
        made.push(row("leaf", [make("span", { text: "Charges of no resource" })], service.unattached));
        parts.push(service.unattached);
      }
      return [...made, ...rounding("leaf", service.own, parts)];
    };
    const serviceRows = (service, isShut) => {
      const name = isolated(service.name);
      if (!service.resources) return [row("under", [name], service.own, isShut)];
      const press = button("", () => { service.shown = service.shown ? 0 : FIRST; paint(service); },
        { class: "fold", "aria-expanded": String(service.shown > 0) });
      press.append(name);
      service.press = press;
      return [row("under", [press], service.own, isShut), ...(service.shown && !isShut ? leaves(service) : [])];
    };
    const paintCategory = (category, found) => {
      const isOpen = category.isOpen || words.length > 0;
      const press = button("", () => { category.isOpen = !category.isOpen; paint(category); },
        { class: "fold", "aria-expanded": String(isOpen) });
      press.append(isolated(category.name));
      category.press = press;
      const list = ordered(found, own => own.name, own => own.own);
      const shown = words.length || list.length <= category.shown + 1 ? list : list.slice(0, category.shown);
      const made = [row("group", [press], category.own), ...shown.flatMap(own => serviceRows(own, !isOpen))];
      made[0].cells[0].scope = "rowgroup";
      const parts = shown.map(own => own.own);
      if (shown.length < list.length) {
        const rest = less(category.own, ...parts), hidden = list.length - shown.length;
        parts.push(rest);
        const on = again(`Show ${Math.min(MORE, hidden)} more`, () => { category.shown += MORE; paint(category); });
        made.push(row("under", [make("span", { text: `${count(hidden, like)} other services` }), " ", on], rest, !isOpen));
      }
      if (found.length === category.services.length) made.push(...rounding("under", category.own, parts, !isOpen));
      made.at(-1).classList.add("last");
      made[0].classList.toggle("closed", !isOpen);
      category.body.replaceChildren(...made);
    };
    const paint = focused => {
      let shown = 0;
      const bodies = [];
      for (const category of ordered(categories, own => own.name, own => own.own)) {
        const isWhole = matches(folded(category.name), words);
        const found = category.services.filter(own => isWhole || matches(own.text, words));
        if (!found.length) continue;
        shown += found.length;
        paintCategory(category, found);
        bodies.push(category.body);
      }
      [...table.tBodies].forEach(body => body.remove());
      table.tHead.after(...bodies);
      if (search) search.found.textContent = words.length ? `${shown} of ${services.length} services found; sums are of all` : "";
      focused?.press?.focus({ preventScroll: true });
    };

    sortable(headingsOf(table), (column, direction) => {
      [at, way] = [column, direction];
      paint();
    });
    const all = button("Open all", press => {
      const isOpen = categories.some(own => !own.isOpen);
      categories.forEach(own => { own.isOpen = isOpen; });
      press.textContent = isOpen ? "Close all" : "Open all";
      paint();
    });
    search = services.length > SEARCHED ? searched("Search services", own => { words = own; paint(); }) : null;
    const tools = search?.tools ?? make("div", { class: "tools" });
    tools.append(all);
    table.closest(".scroll").prepend(tools);
    paint();
  };

  // --- All resources ------------------------------------------------------------------------

  const explorer = place => {
    const number = Number(place.dataset.resources), like = sections[number];
    if (!like?.resources) return;
    const [leftCount, leftCosts] = [like.left[0], triple(like.left[1])];
    const total = triple(like.total), unattached = triple(like.unattached);
    const title = leftCount ? `The ${count(like.resources, like)} largest of ${count(like.resources + leftCount, like)} resources` : `All ${count(like.resources, like)} resources`;
    const details = make("details", {}, make("summary", { text: title }));
    place.append(details);

    const build = () => {
      const own = resourcesOf(number);
      const texts = [];
      const services = resource => [...new Set(own.all[resource].map(line => own.service[line]))].map(at => like.services[at][1]);
      const text = resource => texts[resource] ??= folded([own.title(resource), own.fullId(resource), own.types[own.type[resource]], ...own.where(resource), ...services(resource)].join(" "));
      const keys = [own.title, at => own.sums[0][at], at => own.sums[1][at], at => own.sums[0][at], at => services(at)[0], at => own.where(at)[0]];
      const names = ["Resource", "Billed", "Effective", "Share", "Service", "Account and region"];
      const natural = own.id.map((_, resource) => resource);
      let order = natural, words = [];

      const rowOf = resource => {
        const [account, region] = own.where(resource), of = services(resource);
        const where = make("td", {}, make("span", { class: "name" }, isolated(account)));
        if (region) where.append(make("span", { class: "id" }, isolated(region)));
        const used = make("td", {}, make("span", { class: "name" }, isolated(of[0])));
        if (of.length > 1) used.append(make("span", { class: "id", title: of.join(", "), text: `and ${of.length - 1} more` }));
        return make("tr", {}, make("th", { scope: "row" }, ...resourceName(own, resource, own.types[own.type[resource]])),
          amount(own.sums[0][resource], like), amount(own.sums[1][resource], like), share(own.sums[0][resource], total[0], like), used, where);
      };
      const endRow = (label, costs) => make("tr", { class: "rest" }, make("th", { scope: "row", text: label }),
        amount(costs[0], like), amount(costs[1], like), share(costs[0], total[0], like), make("td"), make("td"));
      const headings = names.map((name, at) => make("th", { scope: "col", class: at > 0 && at < 4 ? "num" : null, text: name }));
      const body = make("tbody"), ends = [];
      if (leftCount) ends.push(endRow(`${count(leftCount, like)} resources that this page has no room for`, leftCosts));
      if (!isNothing(unattached)) ends.push(endRow("Charges of no resource", unattached));
      const end = make("tr", {}, make("th", { scope: "row", text: "Total" }), amount(total[0], like), amount(total[1], like), make("td"), make("td"), make("td"));
      const foot = make("tfoot");
      const ended = parts => {
        const units = left(total.slice(0, 2), parts, like);
        const cells = units.map(own => signed(own, like));
        const rounding = make("tr", { class: "rest" }, make("th", { scope: "row", text: "Rounding" }), ...cells, make("td"), make("td"), make("td"));
        foot.replaceChildren(...(isNothing(units) ? [] : [rounding]), end);
      };

      const update = () => {
        const found = words.length ? order.filter(resource => matches(text(resource), words)) : order;
        const [from, to] = pages.cut(found);
        const others = [], shown = found.slice(from, to), hidden = order.length - shown.length;
        const parts = shown.map(resource => own.sums.map(sums => sums[resource]));
        if (hidden) {
          const sums = less(total.slice(0, 2), unattached, leftCosts, ...parts);
          others.push(endRow(`${count(hidden, like)} other ${hidden === 1 ? "resource" : "resources"}`, sums));
          parts.push(sums);
        }
        body.replaceChildren(...shown.map(rowOf), ...others, ...ends);
        ended([...parts, leftCosts, unattached]);
        search.found.textContent = words.length
          ? `${count(found.length, like)} of ${count(order.length, like)} resources found, ${money(sum(found.map(resource => own.sums[0][resource])), like)} billed together`
          : "";
      };
      const search = searched("Search resources", found => { words = found; pages.reset(); update(); });
      const pages = paged("resources", PAGE, update, own => count(own, like));
      sortable(headings.map((heading, at) => [at, heading]), (at, way) => {
        const cells = way ? natural.map(resource => keys[at](resource)) : [];
        order = way ? [...natural].sort((a, b) => compared(cells[a], cells[b], way)) : natural;
        pages.reset();
        update();
      });
      const table = make("table", { class: "resources" }, make("thead", {}, make("tr", {}, ...headings)), body, foot);
      details.append(make("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": title }, search.tools, table, pages.bar));
      update();
    };
    details.addEventListener("toggle", build, { once: true });
  };

  document.querySelectorAll("table[data-table]").forEach(enhance);
  document.querySelectorAll("table[data-drill]").forEach(drill);
  document.querySelectorAll("[data-resources]").forEach(explorer);
  document.documentElement.classList.add("live");
})();
