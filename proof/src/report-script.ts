/**
 * The only script of the report: draws the lanes of the time axis on a canvas, and lists what lies in the window.
 * Everything it shows comes from the data block of the page; it builds no markup from text and asks nothing of any network.
 */
export const reportScript = `
(() => {
  'use strict';
  const data = JSON.parse(document.getElementById('picture').textContent);
  const { lanes, texts, kinds, marks, phases, faults, duration } = data;
  const count = marks.t.length;
  const times = new Float64Array(count);
  for (let i = 0, t = 0; i < count; i++) times[i] = (t += marks.t[i]) / 10;
  let longest = 0;
  for (const ms of marks.ms) if (ms > longest) longest = ms;
  const $ = (id) => document.getElementById(id);
  const canvas = $('lanes'), overview = $('overview'), from = $('from'), span = $('span'), list = $('window-list'), said = $('window-said');
  const shown = new Set(kinds.keys());
  const LANE = 26, HEAD = 22, LEFT = 112, MOST_LISTED = 150;
  const least = Math.min(20, duration);
  let start = 0, width = duration, waiting = false;

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const tint = ['--other', '--doubt', '--doubt', '--pass', '--fail', '--fail', '--faint'];
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const time = (ms) => ms >= 10000 ? (ms / 1000).toFixed(2) + ' s' : ms.toFixed(1) + ' ms';
  const firstAt = (t) => { let low = 0, high = count; while (low < high) { const middle = (low + high) >> 1; if (times[middle] < t) low = middle + 1; else high = middle; } return low; };

  function sized(element, height) {
    const ratio = devicePixelRatio || 1, wide = element.clientWidth;
    element.style.height = height + 'px';
    element.width = Math.round(wide * ratio); element.height = Math.round(height * ratio);
    const pen = element.getContext('2d');
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, wide, height);
    pen.font = '12px system-ui, sans-serif'; pen.textBaseline = 'middle';
    return [pen, wide];
  }

  const fitted = (pen, text, room) => { let cut = text; while (cut.length > 1 && pen.measureText(cut + '…').width > room) cut = cut.slice(0, -1); return cut === text ? text : cut + '…'; };

  function drawOverview() {
    const [pen, wide] = sized(overview, 40);
    const buckets = new Float64Array(Math.max(1, Math.floor(wide)));
    for (let i = 0; i < count; i++) if (shown.has(marks.kind[i])) buckets[clamp(Math.floor(times[i] / (duration || 1) * buckets.length), 0, buckets.length - 1)]++;
    let most = 1;
    for (const bucket of buckets) if (bucket > most) most = bucket;
    pen.fillStyle = color('--other');
    buckets.forEach((many, x) => { if (many) { const tall = 2 + 30 * Math.log1p(many) / Math.log1p(most); pen.fillRect(x, 38 - tall, 1, tall); } });
    pen.fillStyle = color('--fail');
    for (const [, , applied, healed] of faults) pen.fillRect(applied / duration * wide, 0, Math.max(1, (healed - applied) / duration * wide), 4);
    pen.strokeStyle = color('--ink'); pen.lineWidth = 2;
    pen.strokeRect(start / duration * wide + 1, 1, Math.max(3, width / duration * wide - 2), 38);
  }

  function drawLanes() {
    const [pen, wide] = sized(canvas, HEAD + LANE * lanes.length + 4);
    const room = Math.max(10, wide - LEFT), scale = room / width, x = (t) => LEFT + (t - start) * scale;
    const ink = color('--ink'), faint = color('--faint'), line = color('--line'), soft = color('--soft');
    lanes.forEach((name, lane) => {
      const y = HEAD + lane * LANE;
      if (lane % 2 === 0) { pen.fillStyle = soft; pen.fillRect(0, y, wide, LANE); }
    });
    pen.save(); pen.beginPath(); pen.rect(LEFT, 0, room, 9999); pen.clip();
    phases.forEach(([name, begun, took], index) => {
      if (begun + took < start || begun > start + width) return;
      pen.fillStyle = index % 2 ? line : soft; pen.fillRect(x(begun), 0, Math.max(1, took * scale), HEAD - 4);
      pen.fillStyle = faint; const left = Math.max(LEFT, x(begun)), room = x(begun + took) - left - 6; if (room > 40) pen.fillText(fitted(pen, name, room), left + 3, (HEAD - 4) / 2);
    });
    pen.fillStyle = color('--fail'); pen.globalAlpha = 0.14;
    for (const [, names, applied, healed] of faults)
      lanes.forEach((lane, index) => { if (names.split('+').includes(lane)) pen.fillRect(x(applied), HEAD + index * LANE, Math.max(2, (healed - applied) * scale), LANE); });
    pen.globalAlpha = 1;
    const end = firstAt(start + width + 0.1);
    for (let i = firstAt(start - longest); i < end; i++) {
      const kind = marks.kind[i];
      if (!shown.has(kind) || times[i] + marks.ms[i] < start) continue;
      const y = HEAD + marks.lane[i] * LANE;
      pen.fillStyle = color.cache[kind];
      if (kind <= 2) pen.fillRect(x(times[i]), y + 3, Math.max(1.5, marks.ms[i] * scale), 7);
      else if (kind === 3) pen.fillRect(x(times[i]), y + 12, 1.5, 7);
      else if (kind === 6) pen.fillRect(x(times[i]), y + 21, 3, 3);
      else { pen.fillRect(x(times[i]) - 1, y + 1, 3, LANE - 2); }
    }
    pen.restore();
    pen.fillStyle = ink;
    lanes.forEach((name, lane) => pen.fillText(name.length > 15 ? name.slice(0, 14) + '…' : name, 4, HEAD + lane * LANE + LANE / 2));
    pen.strokeStyle = line; pen.strokeRect(LEFT, HEAD, room, LANE * lanes.length);
  }

  function tell() {
    const found = [];
    let many = 0;
    const end = firstAt(start + width + 0.1);
    for (let i = firstAt(start); i < end; i++) if (shown.has(marks.kind[i])) { many++; if (found.length < MOST_LISTED) found.push(i); }
    said.textContent = time(start) + ' to ' + time(start + width) + ': ' + many + (many === 1 ? ' mark' : ' marks') + (many > found.length ? ', the first ' + found.length + ' listed' : '');
    list.replaceChildren(...found.map((i) => {
      const row = document.createElement('tr');
      for (const text of [time(times[i]), lanes[marks.lane[i]], kinds[marks.kind[i]], texts[marks.text[i]], marks.ms[i] ? time(marks.ms[i]) : '', String(marks.seq[i])]) row.append(Object.assign(document.createElement('td'), { textContent: text }));
      return row;
    }));
  }

  let telling = 0;
  function draw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      color.cache = tint.map(color);
      drawOverview(); drawLanes();
      clearTimeout(telling); telling = setTimeout(tell, 80);
    });
  }

  function show(at, wide) {
    width = clamp(wide, least, duration);
    start = clamp(at, 0, duration - width);
    from.value = String(Math.round(duration - width > 0 ? start / (duration - width) * 1000 : 0));
    span.value = String(Math.round(1000 * Math.log(duration / width) / Math.log(Math.max(1.0001, duration / least))));
    from.setAttribute('aria-valuetext', time(start)); span.setAttribute('aria-valuetext', time(width));
    draw();
  }
  const fromSliders = () => { const wide = duration / Math.pow(Math.max(1.0001, duration / least), span.value / 1000); show(from.value / 1000 * (duration - wide), wide); };
  from.addEventListener('input', fromSliders);
  span.addEventListener('input', () => { const middle = start + width / 2, wide = duration / Math.pow(Math.max(1.0001, duration / least), span.value / 1000); show(middle - wide / 2, wide); });
  const at = (event, element, left) => clamp((event.offsetX - left) / Math.max(1, element.clientWidth - left), 0, 1);
  overview.addEventListener('pointerdown', (event) => { overview.setPointerCapture(event.pointerId); show(at(event, overview, 0) * duration - width / 2, width); });
  overview.addEventListener('pointermove', (event) => { if (event.buttons) show(at(event, overview, 0) * duration - width / 2, width); });
  canvas.addEventListener('wheel', (event) => {
    if (!event.ctrlKey && !event.shiftKey) return;
    event.preventDefault();
    const share = at(event, canvas, LEFT), middle = start + share * width, wide = clamp(width * Math.pow(1.0015, event.deltaY || event.deltaX), least, duration);
    show(middle - share * wide, wide);
  }, { passive: false });
  let dragged;
  canvas.addEventListener('pointerdown', (event) => { dragged = [event.clientX, start]; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener('pointermove', (event) => { if (event.buttons && dragged) show(dragged[1] - (event.clientX - dragged[0]) / Math.max(1, canvas.clientWidth - LEFT) * width, width); });
  canvas.addEventListener('keydown', (event) => {
    const act = { ArrowLeft: () => show(start - width / 10, width), ArrowRight: () => show(start + width / 10, width), '+': () => show(start + width / 4, width / 2), '-': () => show(start - width / 2, width * 2), Home: () => show(0, width), End: () => show(duration, width), 0: () => show(0, duration) }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  for (const box of document.querySelectorAll('[data-kind]')) box.addEventListener('change', () => { const kind = Number(box.dataset.kind); if (box.checked) shown.add(kind); else shown.delete(kind); draw(); });
  for (const link of document.querySelectorAll('[data-at]')) link.addEventListener('click', () => { const t = Number(link.dataset.at); show(t - 100, 200); $('timeline').scrollIntoView(); canvas.focus({ preventScroll: true }); });
  new ResizeObserver(draw).observe(canvas);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
  $('timeline-live').hidden = false;
  show(0, duration);
})();
`;
