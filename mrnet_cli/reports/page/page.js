"use strict";
// Names of runs, sequences and frames are data: they reach the page as text only, and the charts by plain().
(() => {
  const find = (id) => document.getElementById(id);
  const data = JSON.parse(find("data").textContent);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const narrow = matchMedia("(max-width: 62rem)");
  const MILLISECONDS = 100;
  // pixels that a finger moves in a tap
  const SLACK = 8;
  const MARGIN = { l: 52, r: 14, t: 14, b: 46 };
  const state = { index: 0, at: 0, object: "", hidden: new Set(), stops: [], pictures: null, timer: 0 };

  // an object that a run lacks has no curve, and a frame that is not scored no value
  const isScored = (value) => value !== null && value !== undefined;
  const item = () => data.items[state.index];
  const shown = () => item().runs.map((run, place) => ({ run, place })).filter(({ run }) => !state.hidden.has(run));
  const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const runColour = (run) => colour(`--run${run % 6}`);
  // the seventh has the colour of the first
  const runDash = (run) => ["solid", "dash", "dot"][Math.floor(run / 6) % 3];

  function make(tag, properties = {}, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children);
    return node;
  }

  const swatch = (run) => make("span", { className: `swatch run${run % 6}${run > 5 ? " again" : ""}` });

  // ---- tables

  const numberIn = (cell) => parseFloat(cell.dataset.value ?? cell.textContent.replace(/[^0-9.+-]/g, ""));

  function sortBy(table, column, direction) {
    for (const body of table.tBodies) {
      const rows = [...body.rows].filter((row) => !row.classList.contains("group"));
      const cells = rows.map((row) => row.cells[column]);
      const numeric = column > 0 && cells.some((cell) => !Number.isNaN(numberIn(cell)));
      const key = (row) => (numeric ? numberIn(row.cells[column]) : row.cells[column].textContent.trim());
      rows.sort((one, other) => {
        const [a, b] = [key(one), key(other)];
        if (!numeric) return direction * a.localeCompare(b, "en", { numeric: true });
        // what is missing stays below
        if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
        return direction * (a - b);
      });
      body.append(...rows);
    }
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      heading.querySelector("button")?.addEventListener("click", () => {
        // names begin with the first, numbers with the largest
        const before = heading.getAttribute("aria-sort");
        const falls = before === "none" ? column > 0 : before === "ascending";
        headings.forEach((one) => one.hasAttribute("aria-sort") && one.setAttribute("aria-sort", "none"));
        heading.setAttribute("aria-sort", falls ? "descending" : "ascending");
        sortBy(table, column, falls ? -1 : 1);
      });
    });
  }

  // without a script all pairs stand one below the other
  if (find("pair")) {
    const choose = () => {
      for (const pair of document.querySelectorAll("[data-pair]")) pair.hidden = pair.dataset.pair !== find("pair").value;
    };
    find("pair-choice").hidden = false;
    find("pair").addEventListener("change", choose);
    choose();
  }

  // ---- curves

  function curve(place, measure) {
    const curves = item().curves[place];
    if (state.object) return curves[state.object]?.[measure] ?? [];
    return item().frames.map((_, at) => {
      const values = Object.values(curves).map((one) => one[measure][at]).filter(isScored);
      return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
    });
  }

  function picks(place) {
    const all = item().picked[place];
    const own = all.filter((one) => one.object === state.object || one.object === "");
    return own.length ? own : all;
  }

  function traces(ranked) {
    const frames = item().frames.map(plain);
    const all = [];
    for (const { run, place } of shown()) {
      const name = plain(data.runs[run]);
      for (const [axis, measure] of [["y", "J"], ["y2", "F"]]) {
        all.push({
          x: frames.map((_, at) => at), y: curve(place, measure), customdata: frames, yaxis: axis, name,
          mode: "lines", line: { color: runColour(run), dash: runDash(run), width: 2 }, hovertemplate: "%{y:.1f}",
        });
      }
      const picked = ranked ? picks(place) : [];
      if (picked.length) {
        all.push({
          x: picked.map((one) => one.at), y: picked.map((one) => one.chosen), yaxis: "y3", name, mode: "markers",
          customdata: picked.map((one) => frames[one.chosen]), hovertemplate: "picked %{customdata}",
          marker: { color: runColour(run), size: 5 },
        });
      }
    }
    return all;
  }

  const cursor = () => [{
    type: "line", xref: "x", yref: "paper", x0: state.at, x1: state.at, y0: 0, y1: 1,
    line: { color: colour("--ink"), width: 1.5, dash: "dot" },
  }];

  // without pictures and rankings nothing tells of frames that were not scored
  const frameTitle = () => (item().whole ? "frame, counted from 0" : "scored frame, counted from 0");

  function draw() {
    const ranked = shown().some(({ place }) => item().picked[place].length);
    const rows = ranked ? [[0.7, 1], [0.36, 0.66], [0, 0.27]] : [[0.54, 1], [0, 0.46]];
    const last = item().frames.length - 1;
    const axis = (row, title, more) => ({
      ...{ domain: rows[row], title: { text: title, standoff: 6, font: { size: 14 } } },
      ...{ fixedrange: true, gridcolor: colour("--grid"), zeroline: false, ...more },
    });
    const layout = {
      ...{ height: ranked ? 430 : 300, margin: MARGIN, paper_bgcolor: "transparent", plot_bgcolor: "transparent" },
      ...{ showlegend: false, dragmode: false, hovermode: "x unified", hoverdistance: -1, shapes: cursor() },
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: colour("--soft") },
      hoverlabel: {
        namelength: -1, bgcolor: colour("--raised"), bordercolor: colour("--line"), font: { color: colour("--ink") },
      },
      xaxis: {
        ...{ range: [-0.5, last + 0.5], fixedrange: true, gridcolor: colour("--grid"), zeroline: false },
        ...{ anchor: ranked ? "y3" : "y2", title: { text: frameTitle(), standoff: 8, font: { size: 13 } } },
      },
      yaxis: axis(0, "J", { range: [-3, 103], dtick: 50 }),
      yaxis2: axis(1, "F", { range: [-3, 103], dtick: 50 }),
    };
    if (ranked) layout.yaxis3 = axis(2, "picked", { range: [-0.04 * last - 1, last + 1], nticks: 4 });
    find("chart").style.height = `${layout.height}px`;
    Plotly.react("chart", traces(ranked), layout, { displayModeBar: false, responsive: true });
    find("chart-note").textContent = ranked
      ? "J and F in percent; below, for each frame, the past frame that the ranking picked. Click to go to a frame."
      : "J and F in percent. Click to go to a frame.";
  }

  // ---- pictures

  function showLayer(image, source, wanted) {
    image.hidden = !source || !wanted;
    if (source) image.src = source;
  }

  function panes() {
    const all = shown().map(({ run, place }) => ({ run, place, title: data.runs[run] }));
    const pictured = state.pictures ? all.filter(({ run }) => run in state.pictures.masks) : [];
    const rest = all.filter((one) => !pictured.includes(one));
    const truth = state.pictures ? [{ run: null, title: "Ground truth" }] : [];
    find("panes").replaceChildren(...[...pictured, ...truth, ...rest].map(pane));
  }

  function pane({ run, place, title }) {
    const caption = make("figcaption", {}, make("strong", {}, run === null ? "" : swatch(run), title), make("span"));
    const figure = make("figure", {}, caption);
    Object.assign(figure.dataset, { run: run ?? "", place: place ?? "" });
    if (state.pictures && (run === null || run in state.pictures.masks)) {
      const layers = [0, 1].map(() => make("img", { className: "layer", alt: "", hidden: true }));
      const stack = make("div", { className: "stack" }, make("img"), ...layers);
      stack.style.aspectRatio = state.pictures.size.join(" / ");
      figure.prepend(stack);
    }
    return figure;
  }

  function told(place) {
    const value = (measure) => curve(place, measure)[state.at];
    const [j, f] = [value("J"), value("F")];
    const scores = !isScored(j) ? "not scored" : `J ${j.toFixed(1)} · F ${f.toFixed(1)}`;
    const picked = picks(place).find((one) => one.at === state.at);
    return picked ? `${scores} · picked ${item().frames[picked.chosen]}` : scores;
  }

  function showFrame() {
    const { frames } = item();
    const stop = Number(find("slider").value);
    state.at = state.stops[stop] ?? 0;
    const label = `${frames[state.at]} (${state.at + 1} of ${frames.length}${item().whole ? "" : " scored"})`;
    find("frame").textContent = label;
    const texts = [];
    for (const figure of find("panes").children) {
      const { run, place } = figure.dataset;
      const [image, layer, outline] = figure.querySelectorAll("img");
      if (image) {
        image.src = state.pictures.images[stop];
        image.alt = `${figure.querySelector("strong").textContent}, frame ${frames[state.at]}`;
        showLayer(layer, (run === "" ? state.pictures.truth : state.pictures.masks[run])[stop], find("masks").checked);
        showLayer(outline, state.pictures.outlines[stop], find("outlines").checked && run !== "");
      }
      if (run === "") continue;
      figure.querySelector("figcaption").lastChild.textContent = told(Number(place));
      texts.push(`${data.runs[run]}: ${told(Number(place))}`);
    }
    find("slider").setAttribute("aria-valuetext", [label, ...texts].join("; "));
    Plotly.relayout("chart", { shapes: cursor() });
  }

  // ---- what the reader does

  function goTo(at) {
    const far = state.stops.map((one) => Math.abs(one - at));
    find("slider").value = far.indexOf(Math.min(...far));
    showFrame();
  }

  // of the frames that can be shown, the one in which a run that is shown scores least
  function worst() {
    play(false);
    const curves = shown().map(({ place }) => ["J", "F"].map((measure) => curve(place, measure)));
    const least = (at) => Math.min(...curves.map(([j, f]) => (isScored(j[at]) ? j[at] + f[at] : Infinity)));
    return state.stops.reduce((one, other) => (least(other) < least(one) ? other : one), state.stops[0]);
  }

  function play(on) {
    clearInterval(state.timer);
    state.timer = on ? setInterval(step, still.matches ? 5 * MILLISECONDS : MILLISECONDS) : 0;
    find("play").textContent = on ? "❚❚" : "▶";
    find("play").setAttribute("aria-label", on ? "Pause" : "Play");
    find("play").setAttribute("aria-pressed", String(on));
  }

  function step() {
    const slider = find("slider");
    slider.value = Number(slider.value) === Number(slider.max) ? 0 : Number(slider.value) + 1;
    showFrame();
  }

  function legend() {
    find("legend").replaceChildren(...item().runs.map((run) => {
      const button = make("button", { type: "button" }, swatch(run), data.runs[run]);
      button.setAttribute("aria-pressed", String(!state.hidden.has(run)));
      button.addEventListener("click", () => {
        state.hidden.has(run) ? state.hidden.delete(run) : state.hidden.add(run);
        button.setAttribute("aria-pressed", String(!state.hidden.has(run)));
        refresh();
      });
      return button;
    }));
    find("legend").hidden = item().runs.length < 2;
  }

  function objects() {
    const many = item().objects.length > 1;
    find("object-label").hidden = !many;
    find("object").replaceChildren(
      make("option", { value: "", textContent: "all (mean)" }),
      ...item().objects.map((one) => make("option", { value: String(one), textContent: String(one) })),
    );
    state.object = many ? "" : String(item().objects[0]);
  }

  function refresh() {
    panes();
    draw();
    showFrame();
  }

  function choose(index) {
    play(false);
    state.index = index;
    state.pictures = JSON.parse(find(`pictures-${index}`)?.textContent ?? "null");
    const curves = item().curves.flatMap((one) => Object.values(one));
    const scored = item().frames.map((_, at) => at).filter((at) => curves.some(({ J }) => isScored(J[at])));
    state.stops = state.pictures ? state.pictures.frames : scored;
    // the first frame is given, not scored
    const first = Math.max(0, state.stops.findIndex((at) => scored.includes(at)));
    Object.assign(find("slider"), { max: String(Math.max(0, state.stops.length - 1)), value: String(first) });
    find("layers").hidden = !state.pictures;
    find("sequence").value = String(index);
    for (const row of document.querySelectorAll("tr[data-item]")) {
      row.classList.toggle("chosen", Number(row.dataset.item) === index);
    }
    for (const button of document.querySelectorAll(".pick")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.item) === index));
    }
    objects();
    legend();
    refresh();
  }

  const count = data.items.length;
  find("sequence").addEventListener("change", (event) => choose(Number(event.target.value)));
  find("previous").addEventListener("click", () => choose((state.index + count - 1) % count));
  find("next").addEventListener("click", () => choose((state.index + 1) % count));
  find("object").addEventListener("change", (event) => { state.object = event.target.value; refresh(); });
  find("slider").addEventListener("input", () => { play(false); showFrame(); });
  find("play").addEventListener("click", () => play(!state.timer));
  find("worst").addEventListener("click", () => goTo(worst()));
  for (const id of ["masks", "outlines"]) find(id).addEventListener("change", showFrame);
  dark.addEventListener("change", refresh);
  // the chart lays a cover over the page while the pointer is down, so that no click arrives; a scroll ends in none
  find("chart").addEventListener("pointerdown", (down) => {
    addEventListener("pointerup", (up) => {
      if (Math.hypot(up.clientX - down.clientX, up.clientY - down.clientY) > SLACK) return;
      const box = find("chart").getBoundingClientRect();
      const share = (up.clientX - box.left - MARGIN.l) / (box.width - MARGIN.l - MARGIN.r);
      play(false);
      goTo(share * item().frames.length - 0.5);
    }, { capture: true, once: true });
  }, { capture: true });
  for (const button of document.querySelectorAll(".pick")) {
    button.addEventListener("click", () => {
      choose(Number(button.dataset.item));
      if (narrow.matches || button.closest("#pairs")) find("viewer").scrollIntoView({ block: "start" });
    });
  }
  find("viewer").hidden = false;
  choose(0);
})();
