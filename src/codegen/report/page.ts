/** Style and behaviour of the HTML report. They stand in the page itself: it opens anywhere, without a network. */

export const pageStyle = `
:root { color-scheme: light dark; --back: #fff; --front: #1a1a1a; --dim: #667; --line: #ddd; --old: #ffe3e0; --new: #dff5e1; --hover: #eef2fb; --arc: #b35900 }
@media (prefers-color-scheme: dark) { :root:not([data-theme=light]) { --back: #15171a; --front: #e4e6ea; --dim: #99a; --line: #333; --old: #4a2422; --new: #1d3d24; --hover: #23272f; --arc: #ffb066 } }
:root[data-theme=dark] { color-scheme: dark; --back: #15171a; --front: #e4e6ea; --dim: #99a; --line: #333; --old: #4a2422; --new: #1d3d24; --hover: #23272f; --arc: #ffb066 }
:root[data-theme=light] { color-scheme: light }
body { background: var(--back); color: var(--front); font: 14px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 100rem; padding: 0 1rem }
h1 { font-size: 1.2rem } h2 { font: 600 1.1rem ui-monospace, monospace }
header { position: relative } #theme { position: absolute; right: 0; top: 0 }
.note, .less td:nth-child(4) { color: var(--dim) } footer { color: var(--dim); margin-top: 2rem }
table { border-collapse: collapse } th, td { padding: .15rem .6rem; text-align: right; white-space: pre }
th:first-child, td:first-child, #functions td:nth-child(2), #functions th:nth-child(2) { text-align: left }
#functions th { cursor: pointer } #functions tr:hover, #functions tr.at { background: var(--hover) } #functions td { border-top: 1px solid var(--line) }
.less { background: var(--new) } .more { background: var(--old) }
a { color: inherit } .code { font: 13px/1.5 ui-monospace, monospace; position: relative } .code td { text-align: left; padding: 0 .6rem }
.code .o { background: var(--old) } .code .n { background: var(--new) } .code b { font-weight: 700; text-decoration: underline }
svg.edges { position: absolute; pointer-events: none; overflow: visible } svg path { fill: none; stroke: var(--dim) } svg path.arc { stroke: var(--arc); stroke-width: 2 }
.cfg rect { fill: var(--back); stroke: var(--dim) } .cfg text { fill: var(--front); font: 11px ui-monospace, monospace } .cfg { margin-top: 1rem }
`;

export const pageScript = String.raw`
const $ = (id) => document.getElementById(id);
const escape = (s) => s.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);
const root = document.documentElement;
const keep = (value) => { try { localStorage.setItem('theme', value); } catch {} };
try { const theme = localStorage.getItem('theme'); if (theme) root.dataset.theme = theme; } catch {}
const turn = () => {
  const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = dark ? 'light' : 'dark';
  keep(root.dataset.theme);
};
$('theme').onclick = turn;
const columns = ['function', 'status', 'bytes', 'instructions', 'loads', '%gs loads'];
// Static functions may share a name; each has a link of its own.
const times = new Map();
for (const f of functions) { const n = (times.get(f.name) || 0) + 1; times.set(f.name, n); f.id = n === 1 ? f.name : f.name + '~' + n; }
const MOST = 2000;
const settled = (f) => f.status === 'identical' || f.status === 'relocation-only';
const change = (f, n) => f.numbers[2 * n + 1] - f.numbers[2 * n];
let sort = { by: 2, down: true };
let at = -1;
let shown = [];
let scrolled = 0;
const value = (f, by) => by === 0 ? f.name : by === 1 ? f.status : Math.abs(change(f, by - 2));
function choose() {
  const words = $('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
  shown = functions.filter((f) => ($('settled').checked || !settled(f)) && words.every((w) => (f.name + ' ' + f.status).toLowerCase().includes(w)));
  shown.sort((a, b) => { const x = value(a, sort.by), y = value(b, sort.by); const o = x < y ? -1 : x > y ? 1 : a.name < b.name ? -1 : 1; return sort.down ? -o : o; });
}
function overview() {
  choose();
  $('count').textContent = shown.length + ' of ' + functions.length + (shown.length > MOST ? ', the first ' + MOST + ' listed' : '');
  document.querySelector('#functions thead').innerHTML = '<tr>' + columns.map((c, i) => '<th data-by="' + i + '">' + c + (sort.by === i ? (sort.down ? ' \u25be' : ' \u25b4') : '') + '</th>').join('') + '</tr>';
  document.querySelector('#functions tbody').innerHTML = shown.slice(0, MOST).map((f, i) =>
    '<tr class="' + (i === at ? 'at' : '') + '"><td><a href="#' + encodeURIComponent(f.id) + '">' + escape(f.name) + '</a></td><td>' + f.status + '</td>' +
    [0, 1, 2, 3].map((n) => { const d = change(f, n); return '<td>' + f.numbers[2 * n] + ' \u2192 ' + f.numbers[2 * n + 1] + (d ? ' (' + (d > 0 ? '+' : '\u2212') + Math.abs(d) + ')' : '') + '</td>'; }).join('') + '</tr>').join('');
}
document.querySelector('#functions thead').onclick = (e) => {
  const by = e.target.dataset.by;
  if (by === undefined) return;
  sort = { by: Number(by), down: sort.by === Number(by) ? !sort.down : by > 1 };
  overview();
};
$('filter').oninput = $('settled').onchange = () => { at = -1; overview(); };
// Operands that differ are underlined.
function marked(text, other) {
  const a = text.split(/([ ,()]+)/), b = other.split(/([ ,()]+)/);
  return a.map((part, i) => part === b[i] || !other ? escape(part) : '<b>' + escape(part) + '</b>').join('');
}
const cell = (offset, length, text, other, kind) => offset === null ? '<td></td><td></td><td></td>' :
  '<td>+' + offset + '</td><td>' + length + '</td><td class="' + kind + '">' + marked(text, other) + '</td>';
function page(f) {
  const rows = f.rows.map((r) => '<tr data-old="' + r[0] + '" data-new="' + r[3] + '">' + cell(r[0], r[1], r[2], r[6] ? '' : r[5], r[6] ? '' : 'o') + cell(r[3], r[4], r[5], r[6] ? '' : r[2], r[6] ? '' : 'n') + '</tr>').join('');
  $('function').innerHTML = '<p><a href="#">\u2190 all functions</a></p><h2>' + escape(f.name) + ': ' + f.status + '</h2><ul>' + f.notes.map((n) => '<li>' + escape(n) + '</li>').join('') + '</ul>' +
    (f.rows.length ? '<div class="code"><table>' + rows + '</table></div>' + graph(f, 0) + graph(f, 1) : '<p>The code is the same.</p>');
  draw(f);
}
// Reloads and branches as curves beside the listing.
function draw(f) {
  const code = document.querySelector('.code');
  if (!code) return;
  const top = code.getBoundingClientRect().top;
  const place = (side, offset) => { const row = code.querySelector('tr[data-' + (side ? 'new' : 'old') + '="' + offset + '"]'); if (!row) return null; const box = row.getBoundingClientRect(); return box.top - top + box.height / 2; };
  const right = [0, 1].map((side) => Math.max(...[...code.querySelectorAll('td:nth-child(' + (side ? 6 : 3) + ')')].map((td) => td.getBoundingClientRect().right)) - code.getBoundingClientRect().left);
  const curve = (side, from, to, kind) => {
    const a = place(side, from), b = place(side, to);
    if (a === null || b === null) return '';
    const x = right[side] - 4, bend = Math.min(60, 12 + Math.abs(b - a) / 6);
    return '<path class="' + kind + '" d="M' + x + ' ' + a + ' C' + (x - bend) + ' ' + a + ' ' + (x - bend) + ' ' + b + ' ' + x + ' ' + b + '"><title>+' + from + ' \u2192 +' + to + '</title></path>';
  };
  code.insertAdjacentHTML('afterbegin', '<svg class="edges" width="1" height="1">' + f.jumps.map(([s, a, b]) => curve(s, a, b, 'jump')).join('') + f.arcs.map(([s, a, b]) => curve(s, a, b, 'arc')).join('') + '</svg>');
}
// Basic blocks in a column, edges beside them.
function graph(f, side) {
  const lines = f.rows.filter((r) => r[side * 3] !== null).map((r) => [r[side * 3], r[side * 3 + 2]]);
  if (!lines.length) return '';
  const jumps = f.jumps.filter((j) => j[0] === side);
  const starts = new Set([lines[0][0], ...jumps.map((j) => j[2])]);
  lines.forEach(([offset, text], i) => { if (/^(j|ret|ud2)/.test(text) && lines[i + 1]) starts.add(lines[i + 1][0]); });
  const blocks = [];
  for (const line of lines) { if (starts.has(line[0])) blocks.push([]); blocks.at(-1).push(line); }
  if (blocks.length > 200) return '';
  const y = (i) => 10 + i * 34;
  const of = (offset) => blocks.findIndex((b) => b.some((l) => l[0] === offset));
  const boxes = blocks.map((b, i) => '<rect x="120" y="' + y(i) + '" width="250" height="22" rx="4"/><text x="128" y="' + (y(i) + 15) + '">+' + b[0][0] + ' \u00b7 ' + b.length + ' insns \u00b7 ' + escape(b.at(-1)[1].slice(0, 24)) + '</text>').join('');
  const edges = jumps.map(([, from, to]) => { const a = of(from), b = of(to); const x = b > a ? 370 : 120, out = (b > a ? 1 : -1) * Math.min(100, 20 + 8 * Math.abs(b - a)); return '<path d="M' + x + ' ' + (y(a) + 11) + ' C' + (x + out) + ' ' + (y(a) + 11) + ' ' + (x + out) + ' ' + (y(b) + 11) + ' ' + x + ' ' + (y(b) + 11) + '"/>'; }).join('') +
    blocks.map((b, i) => i + 1 < blocks.length && !/^(jmp|ret|ud2)/.test(b.at(-1)[1]) ? '<path d="M245 ' + (y(i) + 22) + ' V' + y(i + 1) + '"/>' : '').join('');
  return '<details class="cfg"><summary>' + (side ? 'new' : 'old') + ': ' + blocks.length + ' basic blocks</summary><svg width="500" height="' + y(blocks.length) + '">' + edges + boxes + '</svg></details>';
}
function named() {
  try { const id = decodeURIComponent(location.hash.slice(1)); return id ? functions.find((row) => row.id === id) : undefined; } catch { return undefined; }
}
function route() {
  const f = named();
  if (f && !$('overview').hidden) scrolled = scrollY;
  $('overview').hidden = !!f;
  $('function').hidden = !f;
  if (f) { choose(); at = shown.indexOf(f); page(f); scrollTo(0, 0); } else { overview(); scrollTo(0, scrolled); }
}
const open = (f) => { if (f) location.hash = encodeURIComponent(f.id); };
addEventListener('hashchange', route);
addEventListener('keydown', (e) => {
  if (e.ctrlKey || e.altKey || e.metaKey) return;
  if (e.target === $('filter')) { if (e.key === 'Escape') $('filter').blur(); return; }
  if (e.key === '/') { e.preventDefault(); if ($('overview').hidden) location.hash = ''; setTimeout(() => $('filter').focus()); }
  else if (e.key === 't') turn();
  else if (e.key === 'Escape') location.hash = '';
  else if (e.key === 'j' || e.key === 'k') { at = Math.max(0, Math.min(shown.length - 1, at + (e.key === 'j' ? 1 : -1))); if ($('overview').hidden) open(shown[at]); else { overview(); document.querySelector('tr.at')?.scrollIntoView({ block: 'nearest' }); } }
  else if (e.key === 'Enter' && !e.target.closest?.('a, button')) open(shown[at]);
});
route();
`;
