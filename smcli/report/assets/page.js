// The page of `smcli graph --format html`: shows the model that report/page.py wrote into the element #model.
//
// Layers and the order within them come from there (report/layers.py, report/boxes.py); only sizes change when a scope
// is unfolded, so that `placed` and `frameOf` do again what layers.placed and frames._frame do. Text from the model
// becomes text nodes, never markup.
"use strict";
(() => {
  const model = JSON.parse(document.getElementById("model").textContent);
  const measures = model.measures;
  const SVG = "http://www.w3.org/2000/svg";
  const MANY_BOXES = 1200; // "Unfold" stops there
  const READABLE = 0.9; // scale below which letters are too small
  const MOST_FOUND = 60;
  const scene = document.getElementById("scene");
  const canvas = document.getElementById("canvas");
  const panel = document.getElementById("panel");

  // path: the views entered, the last one showing. chosen: {node}, {group} or null. opened: a set of groups for each view.
  const state = { path: model.path.slice(), chosen: null, opened: model.views.map((view) => new Set(view.opened)) };
  let camera = { x: 0, y: 0, scale: 1 };
  let frames = new Map();

  const viewIndex = () => state.path[state.path.length - 1];
  const view = () => model.views[viewIndex()];
  const opened = () => state.opened[viewIndex()];

  // ---- small helpers

  function element(name, attributes, ...children) {
    return fill(document.createElement(name), attributes, children);
  }

  function shape(name, attributes, ...children) {
    return fill(document.createElementNS(SVG, name), attributes, children);
  }

  function fill(made, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
    made.append(...children.filter((child) => child !== null));
    return made;
  }

  function button(text, action) {
    const made = element("button", { type: "button", class: "link" }, text);
    made.addEventListener("click", action);
    return made;
  }

  function once(object, name, make) {
    if (object[name] === undefined) object[name] = make();
    return object[name];
  }

  // What each view needs more than is in the file, made when it is first asked for.
  function groupOfNode(of) {
    return once(of, "groupOfNode", () => {
      const found = new Map();
      of.groups.forEach((group, place) => group.children.forEach((child) => child >= 0 && found.set(child, place)));
      return found;
    });
  }

  function consumers(of) {
    return once(of, "consumers", () => {
      const found = of.nodes.map(() => []);
      of.nodes.forEach((node, place) => {
        for (let i = 0; i < node.inputs.length; i += 2) found[node.inputs[i]].push([node.inputs[i + 1], place]);
      });
      return found;
    });
  }

  function usersOfValue(of) {
    return once(of, "usersOfValue", () => {
      const found = new Map();
      for (const [value, node] of of.rows) {
        if (!found.has(value)) found.set(value, []);
        found.get(value).push(node);
      }
      return found;
    });
  }

  // ---- where things go

  // The middle of each slot, and the width of all (layers.placed).
  function placed(group, widths, shifts) {
    const count = widths.length;
    const bends = group.layers.reduce((sum, row) => sum + row.length, 0) - count;
    const width = widths.concat(new Array(bends).fill(0));
    const weight = width.map((_, slot) => (slot < count ? 1 : measures.bendWeight));
    const above = width.map(() => []);
    const below = width.map(() => []);
    group.routes.forEach((route, index) => {
      for (let i = 0; i + 1 < route.length; i++) {
        const [top, bottom] = [route[i], route[i + 1]];
        const shift = (i === 0 ? shifts[index][0] : 0) - (i === route.length - 2 ? shifts[index][1] : 0);
        const pull = top >= count && bottom >= count ? measures.bendWeight : 1;
        below[top].push([bottom, -shift, pull]);
        above[bottom].push([top, shift, pull]);
      }
    });
    const x = new Array(width.length).fill(0);
    for (const row of group.layers) settle(row, row.map(() => 0), width, weight, x);
    for (let round = 0; round < measures.rounds; round++) {
      const isDown = round % 2 === 0;
      const sides = round >= measures.rounds - 2 ? [above, below] : [isDown ? above : below];
      for (const row of isDown ? group.layers : group.layers.slice().reverse()) {
        settle(row, row.map((slot) => wish(slot, sides, x)), width, weight, x);
      }
    }
    let [left, right] = [0, 0];
    x.forEach((value, slot) => {
      left = slot ? Math.min(left, value - width[slot] / 2) : value - width[slot] / 2;
      right = slot ? Math.max(right, value + width[slot] / 2) : value + width[slot] / 2;
    });
    return { x: x.map((value) => value - left), width: right - left };
  }

  function wish(slot, sides, x) {
    let [sum, total] = [0, 0];
    for (const side of sides) {
      for (const [other, shift, pull] of side[slot]) {
        sum += (x[other] + shift) * pull;
        total += pull;
      }
    }
    return total ? sum / total : x[slot];
  }

  // As near to the wishes as order and widths let them, in least squares: what would overlap moves as one.
  function settle(row, wished, width, weight, x) {
    let offset = 0;
    const offsets = [];
    const pools = [];
    row.forEach((slot, index) => {
      if (index) offset += (width[row[index - 1]] + width[slot]) / 2 + measures.gapX;
      offsets.push(offset);
      const pool = { weight: weight[slot], wish: (wished[index] - offset) * weight[slot], size: 1 };
      while (pools.length && pools[pools.length - 1].wish / pools[pools.length - 1].weight >= pool.wish / pool.weight) {
        const before = pools.pop();
        pool.weight += before.weight;
        pool.wish += before.wish;
        pool.size += before.size;
      }
      pools.push(pool);
    });
    let index = 0;
    for (const pool of pools) {
      for (let i = 0; i < pool.size; i++, index++) x[row[index]] = pool.wish / pool.weight + offsets[index];
    }
  }

  // The inside of an unfolded group (frames._frame).
  function frameOf(place, made) {
    const group = view().groups[place];
    const count = group.children.length;
    const inner = group.children.map((child) => (child < 0 ? made.get(-1 - child) : undefined));
    const heights = group.boxes.map((box, slot) => (inner[slot] ? inner[slot].height : box[5]));
    const room = group.room.map((least, slot) => {
      return slot < count ? Math.max(inner[slot] ? inner[slot].width : group.boxes[slot][4], least) : least;
    });
    const turned = once(group, "turnedSet", () => new Set(group.turned));
    const shifts = group.bundles.map((bundle) => endShifts(group, bundle, made));
    const { x, width } = placed(group, room, shifts.map((both, i) => (turned.has(i) ? [both[1], both[0]] : both)));
    const [under, over] = labelled(group);
    const [top, bottom, bands] = [[], [], []];
    let y = place ? measures.head : 0;
    group.layers.forEach((row, index) => {
      const height = Math.max(0, ...row.filter((slot) => slot < count).map((slot) => heights[slot]));
      for (const slot of row) {
        const size = slot < count ? heights[slot] : height;
        top[slot] = y + (height - size) / 2;
        bottom[slot] = y + (height + size) / 2;
        bands[slot] = [y, y + height];
      }
      y += height;
      if (index + 1 < group.layers.length) {
        const hasLabel = row.some((slot) => under.has(slot)) || group.layers[index + 1].some((slot) => over.has(slot));
        y += hasLabel ? measures.gapYLabel : measures.gapY;
      }
    });
    if (!place) return { width, height: y, x, top, bottom, bands, shifts };
    y += measures.padding;
    for (let slot = count; slot < count + group.inputs + group.outputs; slot++) {
      const isInput = slot < count + group.inputs;
      top[slot] = bottom[slot] = isInput ? 0 : y;
      if (!isInput) bands[slot] = [y, y];
    }
    const spare = Math.max(0, group.headRoom - width) / 2;
    return {
      width: Math.max(width, group.headRoom) + 2 * measures.padding,
      height: y,
      x: x.map((value) => value + measures.padding + spare),
      top, bottom, bands, shifts,
    };
  }

  function endShifts(group, [start, end, startPort, endPort], made) {
    return [portShift(group, start, startPort, false, made), portShift(group, end, endPort, true, made)];
  }

  function portShift(group, slot, port, isInput, made) {
    const place = port === null ? 0 : -1 - group.children[slot];
    const frame = made.get(place);
    if (port === null || !frame) return 0;
    const inner = view().groups[place];
    return frame.x[inner.children.length + (isInput ? 0 : inner.inputs) + port] - frame.width / 2;
  }

  function labelled(group) {
    const [under, over] = [new Set(), new Set()];
    for (const [start, end, , , , label, atStart] of group.bundles) {
      if (label) (atStart ? under : over).add(atStart ? start : end);
    }
    return [under, over];
  }

  function allFrames() {
    const groups = view().groups;
    const showing = new Set();
    groups.forEach((group, place) => {
      if (opened().has(place) && (group.parent < 0 || showing.has(group.parent))) showing.add(place);
    });
    const made = new Map();
    for (const place of [...showing].reverse()) made.set(place, frameOf(place, made));
    return made;
  }

  // ---- drawing

  const where = new Map(); // "node 3" or "group 2" → its rectangle in the scene

  function draw() {
    frames = allFrames();
    where.clear();
    scene.replaceChildren();
    const waiting = [[0, 0, 0]];
    while (waiting.length) {
      const [place, x, y] = waiting.pop();
      const group = view().groups[place];
      const frame = frames.get(place);
      if (place) drawFrame(place, group, frame, x, y);
      drawEdges(group, frame, x, y, place);
      group.children.forEach((child, slot) => {
        const inner = child < 0 ? frames.get(-1 - child) : undefined;
        const width = inner ? inner.width : group.boxes[slot][4];
        const left = x + frame.x[slot] - width / 2;
        if (inner) waiting.push([-1 - child, left, y + frame.top[slot]]);
        else drawBox(child, group.boxes[slot], left, y + frame.top[slot]);
      });
    }
    drawPath();
    mark();
  }

  function drawFrame(place, group, frame, x, y) {
    const box = shape("rect", { class: "frame", x, y, width: frame.width, height: frame.height, rx: 6 });
    const head = shape("rect", {
      class: "head", x, y, width: frame.width, height: measures.head, rx: 6, tabindex: 0, role: "button",
      "aria-expanded": "true", "aria-label": `fold ${group.label}`, "data-group": place,
    });
    act(box, () => choose({ group: place }));
    act(head, () => toggle(place));
    where.set(`group ${place}`, { x, y, width: frame.width, height: frame.height, element: box, head });
    scene.append(
      box,
      head,
      shape("text", { class: "soft", x: x + measures.padding, y: y + 15, "pointer-events": "none" }, shortened(group.label)),
      shape("text", { class: "sign", x: x + frame.width - 7, y: y + 15 }, "−"),
    );
  }

  function drawBox(child, [kind, title, lines, rows, width, height], x, y) {
    const isGroup = child < 0;
    const group = isGroup ? view().groups[-1 - child] : null;
    const node = isGroup ? null : view().nodes[child];
    const made = shape("g", {
      class: `choice ${kind}`, transform: `translate(${x},${y})`, tabindex: 0, role: "button",
      "aria-label": isGroup ? `unfold ${title}` : `${node.op} ${node.name}`,
      ...(isGroup ? { "aria-expanded": "false", "data-group": -1 - child } : { "data-node": child }),
    });
    made.append(shape("title", null, isGroup ? group.scope || title : node.name));
    made.append(shape("rect", { class: "box", width, height, rx: 5 }));
    if (!isGroup) made.append(shape("rect", { class: "bar", width: 4, height, rx: 2 }));
    let line = measures.line;
    made.append(shape("text", { class: "title", x: measures.padding, y: line }, title));
    for (const text of lines) {
      line += measures.line;
      made.append(shape("text", { class: "soft", x: measures.padding, y: line }, text));
    }
    line += 4;
    for (const [name, value, place] of rows) {
      line += measures.line;
      const row = shape("text", { class: place >= 0 ? "value" : "soft", x: measures.padding, y: line }, name);
      row.append(shape("tspan", { class: "soft", dx: 6 }, value));
      if (place >= 0) act(row, () => choose({ node: place }));
      made.append(row);
    }
    if (isGroup) made.append(shape("text", { class: "sign", x: width - 7, y: 15 }, "+"));
    else if (node.calls) made.append(shape("text", { class: "sign", x: width - 6, y: 15 }, "↳"));
    act(made, () => (isGroup ? toggle(-1 - child) : choose({ node: child })));
    if (!isGroup && node.calls) made.addEventListener("dblclick", () => enter(node.calls[0][1]));
    where.set(isGroup ? `group ${-1 - child}` : `node ${child}`, { x, y, width, height, element: made });
    scene.append(made);
  }

  function drawEdges(group, frame, x, y, place) {
    const ends = group.children.length;
    const texts = [];
    group.bundles.forEach(([start, end, , , tensors, label, atStart], index) => {
      const isTurned = group.turnedSet.has(index);
      const points = routePoints(group, frame, index, isTurned);
      if (!points.length) return;
      const path = shape("path", {
        class: `edge${tensors ? "" : " control"}${isTurned ? " back" : ""}`, d: pathText(points, x, y),
        "data-start": endName(group, start), "data-end": endName(group, end),
      });
      if (end < ends) path.setAttribute("marker-end", "url(#tip)");
      scene.append(path);
      if (!label) return;
      const shift = frame.shifts[index][atStart ? 0 : 1];
      const slot = atStart ? start : end;
      const isBelow = atStart && !isTurned;
      const line = isBelow ? frame.bands[slot][1] + measures.small + 5 : frame.bands[slot][0] - measures.small;
      texts.push(shape("text", { class: place ? "label inside" : "label", x: x + frame.x[slot] + shift, y: y + line }, label));
    });
    scene.append(...texts);
  }

  function endName(group, slot) {
    if (slot >= group.children.length) return "";
    const child = group.children[slot];
    return child < 0 ? `group ${-1 - child}` : `node ${child}`;
  }

  // For each slot on the way where an edge comes in and leaves (frames.route_points).
  function routePoints(group, frame, index, isTurned) {
    const [start, end] = group.bundles[index];
    const route = isTurned ? group.routes[index].slice().reverse() : group.routes[index];
    return route.map((slot) => {
      const at = frame.x[slot] + (slot === start ? frame.shifts[index][0] : slot === end ? frame.shifts[index][1] : 0);
      const [above, below] = frame.bands[slot];
      const [first, last] = isTurned ? [below, above] : [above, below];
      if (slot === start) return [[at, isTurned ? frame.top[slot] : frame.bottom[slot]], [at, last]];
      if (slot === end) return [[at, first], [at, isTurned ? frame.bottom[slot] : frame.top[slot]]];
      return [[at, first], [at, last]];
    });
  }

  function pathText(points, x, y) {
    const text = (point) => `${(x + point[0]).toFixed(1)},${(y + point[1]).toFixed(1)}`;
    let before = text(points[0][0]);
    const parts = [`M${before}`];
    const lineTo = (point) => {
      if (text(point) !== before) parts.push(`L${text(point)}`);
      before = text(point);
    };
    for (let i = 0; i + 1 < points.length; i++) {
      const [from, to] = [points[i][1], points[i + 1][0]];
      lineTo(from);
      const middle = (from[1] + to[1]) / 2;
      parts.push(`C${text([from[0], middle])} ${text([to[0], middle])} ${text(to)}`);
      before = text(to);
    }
    lineTo(points[points.length - 1][1]);
    return parts.join("");
  }

  function shortened(text, most = 38) {
    return text.length <= most ? text : `${text.slice(0, most / 2)}…${text.slice(1 - most / 2)}`;
  }

  function drawPath() {
    const parts = [];
    state.path.forEach((place, depth) => {
      if (depth) parts.push("›");
      const title = shortened(model.views[place].title, 36);
      const isLast = depth === state.path.length - 1;
      parts.push(isLast ? element("span", null, title) : button(title, () => leaveTo(depth)));
    });
    document.getElementById("path").replaceChildren(...parts);
  }

  // Marks what is chosen, and the edges at it.
  function mark() {
    for (const old of scene.querySelectorAll(".chosen, .near")) old.classList.remove("chosen", "near");
    for (const name of chosenNames()) {
      if (where.has(name)) where.get(name).element.classList.add("chosen");
      for (const edge of scene.querySelectorAll(".edge")) {
        if (edge.dataset.start === name || edge.dataset.end === name) edge.classList.add("near");
      }
    }
  }

  function chosenNames() {
    if (!state.chosen) return [];
    if (state.chosen.group !== undefined) return [`group ${state.chosen.group}`];
    const place = state.chosen.node;
    return (groupOfNode(view()).has(place) ? [place] : usersOfValue(view()).get(place) || []).map((one) => `node ${one}`);
  }

  // ---- the side panel

  function showPanel() {
    const parts =
      state.chosen === null ? viewDetails() : state.chosen.node !== undefined ? nodeDetails(state.chosen.node) : groupDetails(state.chosen.group);
    panel.replaceChildren(...parts.filter((part) => part !== null));
    panel.scrollTop = 0;
  }

  function section(title, list) {
    return list.length ? [element("h3", null, title), ...list] : [];
  }

  function pairs(title, list) {
    const rows = list.flatMap(([name, value]) => [element("dt", null, name), element("dd", null, ...[value].flat())]);
    return rows.length ? [element("h3", null, title), element("dl", null, ...rows)] : [];
  }

  function typeOf(place, output) {
    const type = view().nodes[place].outputs[output];
    return type === undefined ? "unknown" : model.types[type];
  }

  function nodeLink(place) {
    return button(view().nodes[place].name, () => reveal(place));
  }

  function nodeDetails(place) {
    const node = view().nodes[place];
    const inputs = [];
    for (let i = 0; i < node.inputs.length; i += 2) {
      const [source, output] = [node.inputs[i], node.inputs[i + 1]];
      const name = (node.arguments || [])[i / 2] || `input ${i / 2}`;
      inputs.push([name, [nodeLink(source), element("small", null, typeOf(source, output))]]);
    }
    const users = consumers(view())[place];
    const outputs = node.outputs.map((type, index) => {
      const readers = users.filter(([output]) => output === index).map(([, user]) => user);
      const links = readers.slice(0, 12).map((user) => element("small", null, "→ ", nodeLink(user)));
      if (readers.length > 12) links.push(element("small", null, `and ${readers.length - 12} more`));
      return [String(index), [model.types[type], ...links]];
    });
    const attrs = node.attrs === undefined ? [] : model.attrs[node.attrs];
    return [
      element("h2", null, node.op),
      element("p", null, node.name),
      node.note ? element("p", null, element("small", null, node.op === "Const" ? "value " : "named "), node.note) : null,
      ...section("Functions", (node.calls || []).map(([name, to]) => {
        return element("p", null, `${name} `, button(`enter ${model.views[to].title}`, () => enter(to)));
      })),
      ...pairs("Inputs", inputs),
      ...pairs("Outputs", outputs),
      ...section("Waits for", (node.controls || []).slice(0, 30).map((source) => element("p", null, nodeLink(source)))),
      ...pairs("Attributes", attrs),
    ];
  }

  function groupDetails(place) {
    const group = view().groups[place];
    return [
      element("h2", null, group.label),
      element("p", null, group.scope),
      element("p", null, button(opened().has(place) ? "fold" : "unfold", () => toggle(place))),
      ...contents(nodesWithin(place)),
    ];
  }

  function viewDetails() {
    const all = view().nodes;
    const isHandle = (node) => node.op === "Input" && model.types[node.outputs[0]] === "resource";
    const named = (op) => all.filter((node) => node.op === op && !isHandle(node)).slice(0, 100).map((node) => {
      return [op === "Input" && node.note ? node.note : node.name, node.outputs.length ? model.types[node.outputs[0]] : "unknown"];
    });
    const called = [...new Set(all.flatMap((node) => (node.calls || []).map(([, to]) => to)))];
    return [
      element("h2", null, view().title),
      ...pairs("Inputs", named("Input")),
      ...pairs("Outputs", named("Output")),
      ...contents(all.map((_, index) => index)),
      ...section("Functions", called.map((to) => element("p", null, button(model.views[to].title, () => enter(to))))),
    ];
  }

  function nodesWithin(place) {
    const found = [];
    const waiting = [place];
    while (waiting.length) {
      for (const child of view().groups[waiting.pop()].children) {
        if (child < 0) waiting.push(-1 - child);
        else found.push(child);
      }
    }
    return found;
  }

  function contents(places) {
    const counts = new Map();
    for (const place of places) {
      const op = view().nodes[place].op;
      counts.set(op, (counts.get(op) || 0) + 1);
    }
    const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 20);
    const total = numbersInVariables(new Set(places));
    return [
      ...pairs("Contents", [
        ["nodes", places.length.toLocaleString("en")],
        ...(total ? [["numbers in variables", total.toLocaleString("en")]] : []),
      ]),
      ...pairs("Ops", most.map(([op, count]) => [op, String(count)])),
    ];
  }

  // Of the variables that these nodes read, each once; those of unknown shape do not count.
  function numbersInVariables(places) {
    const sizes = new Map();
    for (const [value, user] of view().rows) {
      const [variable, isRead] = variableOf(value);
      if (!places.has(user) || variable === null || !isRead) continue;
      const dims = /\[([^\]?]*)\]$/.exec(typeOf(value, 0));
      if (dims) sizes.set(variable, dims[1] === "" ? 1 : dims[1].split(", ").reduce((a, b) => a * Number(b), 1));
    }
    return [...sizes.values()].reduce((a, b) => a + b, 0);
  }

  function variableOf(place) {
    let node = view().nodes[place];
    let isRead = false;
    while (node.inputs.length) {
      isRead = true;
      place = node.inputs[0];
      node = view().nodes[place];
    }
    return [/^(Var|Input)/.test(node.op) ? place : null, isRead || /^Variable/.test(node.op)];
  }

  // ---- what people do

  function act(target, action) {
    target.addEventListener("click", (event) => {
      event.stopPropagation();
      if (!dragged) action();
    });
    target.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      action();
    });
  }

  function choose(what) {
    state.chosen = what;
    mark();
    showPanel();
  }

  function toggle(place) {
    const before = where.get(`group ${place}`);
    if (!opened().delete(place)) opened().add(place);
    state.chosen = { group: place };
    draw();
    const after = where.get(`group ${place}`);
    if (before && after) {
      // what was clicked stays where it was
      camera.x += (before.x + before.width / 2 - after.x - after.width / 2) * camera.scale;
      camera.y += (before.y - after.y) * camera.scale;
      moveCamera();
      (after.head || after.element).focus({ preventScroll: true });
    }
    showPanel();
  }

  function enter(place) {
    state.path.push(place);
    showView();
  }

  function leaveTo(depth) {
    state.path.length = depth + 1;
    showView();
  }

  function showView() {
    state.chosen = null;
    draw();
    fit(READABLE);
    showPanel();
  }

  // Shows a node of the view that is open, its scopes unfolded, in the middle.
  function reveal(place) {
    const shown = groupOfNode(view()).has(place) ? place : (usersOfValue(view()).get(place) || [])[0];
    if (shown !== undefined) {
      for (let at = groupOfNode(view()).get(shown); at >= 0; at = view().groups[at].parent) opened().add(at);
    }
    state.chosen = { node: place };
    draw();
    showPanel();
    const target = where.get(`node ${shown}`);
    if (!target) return;
    const size = canvas.getBoundingClientRect();
    camera.scale = Math.max(camera.scale, 0.9);
    camera.x = size.width / 2 - (target.x + target.width / 2) * camera.scale;
    camera.y = size.height / 2 - (target.y + target.height / 2) * camera.scale;
    moveCamera();
  }

  function pathTo(target) {
    const before = new Map([[0, null]]);
    const waiting = [0];
    for (const from of waiting) {
      for (const node of model.views[from].nodes) {
        for (const [, to] of node.calls || []) {
          if (!before.has(to)) {
            before.set(to, from);
            waiting.push(to);
          }
        }
      }
    }
    const path = [];
    for (let at = target; at !== null && at !== undefined; at = before.get(at)) path.unshift(at);
    return path;
  }

  function search(text) {
    const list = document.getElementById("found");
    const wanted = text.trim().toLowerCase();
    list.hidden = !wanted;
    if (!wanted) return;
    const found = [viewIndex(), ...model.views.keys()]
      .filter((place, index, all) => all.indexOf(place) === index)
      .flatMap((place) => foundIn(place, wanted))
      .slice(0, MOST_FOUND);
    list.replaceChildren(...found.map(([place, index]) => foundItem(place, index)));
    if (!found.length) list.append(element("li", { class: "none" }, "Nothing has that name or op."));
    if (found.length === MOST_FOUND) list.append(element("li", { class: "none" }, "There is more; write more of the name."));
  }

  // Nodes that have a box come before the values that others use.
  function foundIn(place, wanted) {
    const of = model.views[place];
    const [boxes, values] = [[], []];
    of.nodes.forEach((node, index) => {
      if (!`${node.name}\n${node.op}\n${node.note || ""}`.toLowerCase().includes(wanted)) return;
      (groupOfNode(of).has(index) ? boxes : values).push([place, index]);
    });
    return boxes.concat(values);
  }

  function foundItem(place, index) {
    const node = model.views[place].nodes[index];
    const item = element("button", { type: "button" }, node.name, " ");
    const where = place === viewIndex() ? "" : ` in ${shortened(model.views[place].title)}`;
    item.append(element("small", null, `${node.op}${where}`));
    item.addEventListener("click", () => {
      document.getElementById("found").hidden = true;
      if (place !== viewIndex()) state.path = pathTo(place);
      reveal(index);
    });
    return element("li", null, item);
  }

  function unfold() {
    const { groups } = view();
    let boxes = 0;
    for (const place of groups.keys()) {
      if (groups[place].parent >= 0 && !opened().has(groups[place].parent)) continue;
      boxes += groups[place].children.length;
      if (boxes > MANY_BOXES) break;
      opened().add(place);
    }
    draw();
    fit(READABLE);
  }

  function foldAll() {
    opened().clear();
    opened().add(0);
    draw();
    fit(READABLE);
  }

  // ---- the camera

  function moveCamera() {
    scene.setAttribute("transform", `translate(${camera.x},${camera.y}) scale(${camera.scale})`);
  }

  // All of the view; its beginning, where all of it would be smaller than `least`.
  function fit(least = 0.02) {
    const size = canvas.getBoundingClientRect();
    const root = frames.get(0);
    const scale = Math.min(1.2, (size.width - 40) / Math.max(1, root.width), (size.height - 40) / Math.max(1, root.height));
    camera.scale = Math.max(least, scale);
    camera.x = (size.width - root.width * camera.scale) / 2;
    camera.y = 20;
    moveCamera();
  }

  function zoom(factor, x, y) {
    const size = canvas.getBoundingClientRect();
    const [atX, atY] = [x === undefined ? size.width / 2 : x - size.left, y === undefined ? size.height / 2 : y - size.top];
    const scale = Math.min(4, Math.max(0.02, camera.scale * factor));
    camera.x = atX - ((atX - camera.x) * scale) / camera.scale;
    camera.y = atY - ((atY - camera.y) * scale) / camera.scale;
    camera.scale = scale;
    moveCamera();
  }

  let dragged = false;
  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    drag = { x: event.clientX, y: event.clientY, from: { ...camera } };
    dragged = false;
  });
  window.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (Math.hypot(dx, dy) > 4) dragged = true;
    if (!dragged) return;
    canvas.classList.add("moving");
    camera.x = drag.from.x + dx;
    camera.y = drag.from.y + dy;
    moveCamera();
  });
  window.addEventListener("pointerup", () => {
    drag = null;
    canvas.classList.remove("moving");
  });
  canvas.addEventListener("click", () => dragged || choose(null));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (event.ctrlKey || !event.shiftKey) zoom(Math.exp(-event.deltaY / 500), event.clientX, event.clientY);
    else {
      camera.x -= event.deltaX || event.deltaY;
      moveCamera();
    }
  }, { passive: false });

  const searchBox = document.getElementById("search");
  searchBox.addEventListener("input", () => search(searchBox.value));
  searchBox.addEventListener("keydown", (event) => {
    if (event.key === "Enter") document.querySelector("#found button")?.click();
    if (event.key === "Escape") search((searchBox.value = ""));
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.(".search")) document.getElementById("found").hidden = true;
  });
  document.addEventListener("keydown", (event) => {
    if (event.target === searchBox || event.ctrlKey || event.metaKey || event.altKey) return;
    const keys = { "/": () => searchBox.focus(), "+": () => zoom(1.25), "-": () => zoom(0.8), 0: () => fit(), Escape: () => choose(null) };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  const onClick = (id, action) => document.getElementById(id).addEventListener("click", action);
  onClick("fold", foldAll);
  onClick("unfold", unfold);
  onClick("fit", () => fit());
  onClick("closer", () => zoom(1.25));
  onClick("farther", () => zoom(0.8));
  document.getElementById("title").append(model.title);
  showView();
})();
