// The layers lie over each other: one left of a line that is dragged, one right of it; the wheel zooms, dragging moves.
const viewer = document.getElementById("viewer");
if (viewer) {
  const layers = [...viewer.querySelectorAll(".layer")];
  const left = document.getElementById("left"), right = document.getElementById("right");
  const cut = document.getElementById("cut"), line = document.getElementById("line");
  const said = document.getElementById("said"), chart = document.getElementById("chart");
  const view = {x: 0, y: 0, scale: 1};
  const bytes = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  const facts = viewer.dataset.facts ? JSON.parse(viewer.dataset.facts) : null;
  const values = facts && bytes(viewer.dataset.values), classes = facts && bytes(viewer.dataset.classes);

  const show = () => {
    const width = viewer.clientWidth, at = cut.value / 100 * width;
    view.x = Math.min(0, Math.max(view.x, width * (1 - view.scale)));
    view.y = Math.min(0, Math.max(view.y, viewer.clientHeight * (1 - view.scale)));
    layers.forEach((layer, index) => {
      const isLeft = index == left.value, isRight = index == right.value;
      layer.style.display = isLeft || isRight ? "block" : "none";
      layer.style.clipPath = isLeft && isRight ? "none" : isLeft ? `inset(0 ${width - at}px 0 0)` : `inset(0 0 0 ${at}px)`;
      layer.firstElementChild.style.transform = `translate(${view.x}px,${view.y}px) scale(${view.scale})`;
    });
    line.style.left = at + "px";
  };
  const zoom = (factor, x, y) => {
    const scale = Math.min(40, Math.max(1, view.scale * factor)), real = scale / view.scale;
    view.x = x - (x - view.x) * real; view.y = y - (y - view.y) * real; view.scale = scale;
    show();
  };
  const place = event => {
    const box = viewer.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const node = (name, attributes, text) => {
    const made = document.createElementNS(chart.namespaceURI, name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    chart.append(made);
  };
  const spectrum = (x, y) => {
    if (!facts) return;
    const [rows, columns, count] = facts.shape;
    const column = Math.min(columns - 1, Math.floor((x - view.x) / view.scale / viewer.clientWidth * columns));
    const row = Math.min(rows - 1, Math.floor((y - view.y) / view.scale / viewer.clientHeight * rows));
    const start = (row * columns + column) * count;
    const found = facts.low.map((low, band) => low + (facts.high[band] - low) * values[start + band] / 255);
    const name = facts.names[classes[row * columns + column]];
    said.textContent = `row ${row * facts.step}, column ${column * facts.step}: ${name === undefined ? "no class" : name}`;
    const lowest = Math.min(0, ...found), highest = Math.max(...found) || 1, first = Math.min(...facts.centres);
    const span = Math.max(...facts.centres) - first || 1;
    const across = value => 46 + 544 * (value - first) / span;
    const up = value => 150 - 140 * (value - lowest) / (highest - lowest || 1);
    chart.replaceChildren();
    for (const part of [0, .25, .5, .75, 1]) {
      const value = lowest + part * (highest - lowest), centre = first + part * span;
      node("line", {x1: 46, x2: 590, y1: up(value), y2: up(value), class: "grid"});
      node("text", {x: 42, y: up(value) + 4, "text-anchor": "end"}, Number(value.toPrecision(3)));
      node("text", {x: across(centre), y: 168, "text-anchor": "middle"}, Math.round(centre) + (part == 1 ? " " + facts.unit : ""));
    }
    for (const piece of new Set(facts.pieces)) {
      const bands = [...found.keys()].filter(band => facts.pieces[band] == piece);
      node("polyline", {points: bands.map(band => `${across(facts.centres[band])},${up(found[band])}`).join(" ")});
    }
  };
  let drag = null;
  viewer.addEventListener("pointerdown", event => {
    drag = {from: place(event), x: view.x, y: view.y, line: event.target == line, moved: false};
    viewer.setPointerCapture(event.pointerId);
  });
  viewer.addEventListener("pointermove", event => {
    if (!drag) return;
    const [x, y] = place(event);
    drag.moved = drag.moved || Math.hypot(x - drag.from[0], y - drag.from[1]) > 3;
    if (drag.line) cut.value = 100 * x / viewer.clientWidth;
    else { view.x = drag.x + x - drag.from[0]; view.y = drag.y + y - drag.from[1]; }
    show();
  });
  viewer.addEventListener("pointerup", event => {
    if (drag && !drag.moved && !drag.line) spectrum(...place(event));
    drag = null;
  });
  viewer.addEventListener("wheel", event => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), ...place(event));
  }, {passive: false});
  document.getElementById("nearer").addEventListener("click", () => zoom(1.6, viewer.clientWidth / 2, viewer.clientHeight / 2));
  document.getElementById("farther").addEventListener("click", () => zoom(1 / 1.6, viewer.clientWidth / 2, viewer.clientHeight / 2));
  document.getElementById("whole").addEventListener("click", () => zoom(0, 0, 0));
  for (const control of [left, right, cut]) control.addEventListener("input", show);
  addEventListener("resize", show);
  addEventListener("beforeprint", () => viewer.classList.remove("live"));
  addEventListener("afterprint", () => { viewer.classList.add("live"); show(); });
  viewer.classList.add("live");
  document.getElementById("controls").hidden = false;
  show();
}
