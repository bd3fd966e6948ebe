/** What the page does; its list of event streams is filled in. Whatever a peer wrote reaches the page as text only; the token travels in a header, never in an address. */
export const SCRIPT = `'use strict';
(() => {
  const POLL_MS = 3000, RETRY_MS = 2000, EVENTS_KEPT = 200, TEXT_KEPT = 2000;
  const STREAMS = [/* STREAMS */];
  const $ = (id) => document.getElementById(id);
  let token = typeof X0X_TOKEN === 'undefined' ? null : X0X_TOKEN;
  let session = new AbortController();
  let paused = false;

  const make = (name, text, attributes = {}) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  // Characters that turn the direction of reading, or are not shown, are named instead.
  const plain = (text) => String(text).slice(0, TEXT_KEPT).replace(/[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]/g,
    (c) => '\\\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));
  const short = (id) => typeof id === 'string' && id.length > 20 ? id.slice(0, 8) + '\\u2026' + id.slice(-4) : plain(id ?? '\\u2013');
  const idElement = (id) => make('bdi', short(id), { class: 'id', title: plain(id ?? '') });

  class Refused extends Error {}
  async function ask(path, options = {}) {
    const response = await fetch(path, { ...options, headers: { ...options.headers, authorization: 'Bearer ' + token },
      credentials: 'omit', cache: 'no-store', signal: AbortSignal.any([session.signal, AbortSignal.timeout(10000)]) });
    if (response.status === 401) throw new Refused('the node does not accept this token');
    if (!response.ok) throw new Error(plain((await response.json().catch(() => ({}))).error ?? 'HTTP ' + response.status));
    return response.json();
  }

  function state(name, text) {
    if ($('state').textContent === text) return;
    $('state').dataset.state = name;
    $('state').textContent = text;
  }

  function duration(seconds) {
    const units = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
    const first = units.findIndex(([size]) => seconds >= size);
    if (first < 0) return '0 s';
    return units.slice(first, first + 2).map(([size, unit], i) => Math.floor((i === 0 ? seconds : seconds % units[first][0]) / size) + ' ' + unit).join(' ');
  }

  function facts(list, rows) {
    list.replaceChildren(...rows.flatMap(([name, value]) => {
      const cell = make('dd');
      cell.append(value instanceof Node ? value : plain(value));
      return [make('dt', name), cell];
    }));
  }

  function copyable(id, name) {
    const row = make('span', undefined, { class: 'id-row' });
    const button = make('button', 'Copy', { type: 'button', class: 'copy', 'aria-label': 'Copy ' + name });
    button.addEventListener('click', () => navigator.clipboard.writeText(id).then(() => { $('copied').textContent = name + ' copied'; }, () => {
      $('copied').textContent = 'The browser did not allow copying';
    }));
    row.append(make('span', id, { class: 'id' }), button);
    return row;
  }

  async function showIdentity() {
    const agent = await ask('/agent');
    const rows = [['Agent', copyable(agent.agent_id, 'agent id')], ['Machine', copyable(agent.machine_id, 'machine id')]];
    rows.push(['User', agent.user_id === null ? 'none' : copyable(agent.user_id, 'user id')]);
    facts($('identity'), rows);
  }

  function showStatus(status) {
    state(status.status, status.status + ', ' + status.peers + (status.peers === 1 ? ' peer' : ' peers'));
    facts($('status'), [['Version', status.version], ['Up for', duration(status.uptime_secs)], ['API', status.api_address],
      ['Seen as', status.external_addrs.length > 0 ? status.external_addrs.join(', ') : 'not known']]);
    $('warnings').hidden = status.warnings.length === 0;
    const texts = status.warnings.map(plain);
    if (texts.join() !== [...$('warning-list').children].map((item) => item.textContent).join())
      $('warning-list').replaceChildren(...texts.map((text) => make('li', text)));
  }

  function showPeers(peers, agents, contacts) {
    const trust = new Map(contacts.map((contact) => [contact.agent_id, contact]));
    const rows = peers.map(({ id }) => {
      const found = agents.find((agent) => agent.machine_id === id);
      const contact = found && trust.get(found.agent_id);
      const row = make('tr');
      const agent = make('td');
      if (contact?.label) agent.append(make('bdi', plain(contact.label).slice(0, 40)), ' ');
      agent.append(idElement(found?.agent_id));
      const machine = make('td');
      machine.append(idElement(id));
      row.append(agent, machine, make('td', contact?.trust_level ?? 'unknown'), make('td', plain(found?.addresses?.[0] ?? '\\u2013')));
      return row;
    });
    const text = (list) => list.map((row) => row.textContent).join('|');
    if (text(rows) !== text([...$('peers').children])) $('peers').replaceChildren(...rows);
    $('peer-count').textContent = peers.length === 0 ? '' : String(peers.length);
    $('no-peers').hidden = peers.length > 0;
  }

  async function refresh() {
    const [status, { peers }, { agents }, { contacts }] = await Promise.all(['/status', '/peers', '/agents/discovered?unfiltered=true', '/contacts'].map((path) => ask(path)));
    showStatus(status);
    showPeers(peers, agents, contacts);
  }

  function decoded(base64) {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)));
    } catch {
      return '(bytes) ' + base64;
    }
  }

  function show(kind, data) {
    if (paused) return;
    const fields = data.data ?? data;
    const parts = [kind];
    if (fields.topic !== undefined) parts.push('on ' + plain(fields.topic));
    if (fields.sender) parts.push('from ' + short(fields.sender));
    if (fields.trust_level ?? fields.trust_decision) parts.push('(' + plain(fields.trust_level ?? fields.trust_decision) + ')');
    if (fields.agent_id) parts.push(short(fields.agent_id));
    if (fields.peer_id) parts.push(short(fields.peer_id));
    if (fields.event) parts.push(plain(fields.event));
    if (fields.count !== undefined) parts.push(String(fields.count));
    const item = make('li');
    item.append(make('time', new Date().toLocaleTimeString([], { hour12: false })), make('bdi', parts.join(' ')));
    if (fields.payload !== undefined) item.append(make('span', plain(decoded(fields.payload)), { class: 'text' }));
    $('events').prepend(item);
    while ($('events').children.length > EVENTS_KEPT) $('events').lastElementChild.remove();
    $('no-events').hidden = true;
  }

  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  async function listen(path, { signal }) {
    while (!signal.aborted) {
      try {
        const response = await fetch(path, { headers: { authorization: 'Bearer ' + token, accept: 'text/event-stream' }, credentials: 'omit', signal });
        if (response.status === 401 || response.status === 404) return;
        if (response.ok) await read(response.body.pipeThrough(new TextDecoderStream()).getReader());
      } catch {
        // The node is away: the status says so, and this tries again.
      }
      await pause(RETRY_MS);
    }
  }

  async function read(reader) {
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (text + value).split('\\n\\n');
      text = blocks.pop();
      for (const block of blocks) {
        const field = (name) => block.split('\\n').find((line) => line.startsWith(name + ': '))?.slice(name.length + 2);
        const data = field('data');
        if (data !== undefined) show((field('event') ?? 'event').replace(/[-_:]/g, ' '), JSON.parse(data));
      }
    }
  }

  async function poll({ signal }) {
    let known = false;
    while (!signal.aborted) {
      if (!document.hidden) {
        try {
          if (!known) await showIdentity();
          await refresh();
          known = true;
        } catch (error) {
          if (signal.aborted) return;
          if (error instanceof Refused) return askForToken(error.message);
          state('down', 'no answer from the node');
        }
      }
      await pause(POLL_MS);
    }
  }

  function askForToken(why) {
    session.abort();
    state('down', 'not connected');
    $('token-form').hidden = false;
    $('token-error').textContent = why;
    $('token').focus();
  }

  function start() {
    session = new AbortController();
    $('token-form').hidden = true;
    void poll(session);
    for (const path of STREAMS) void listen(path, session);
  }

  $('token-form').addEventListener('submit', (event) => {
    event.preventDefault();
    token = $('token').value.trim();
    $('token').value = '';
    start();
  });
  $('subscribe').addEventListener('submit', (event) => {
    event.preventDefault();
    const topic = $('topic').value;
    ask('/subscribe', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ topic }) }).then(
      () => { $('subscribed').textContent = 'Subscribed to ' + plain(topic); $('topic').value = ''; },
      (error) => { $('subscribed').textContent = 'Not subscribed: ' + error.message; });
  });
  $('pause').addEventListener('click', () => {
    paused = !paused;
    $('pause').setAttribute('aria-pressed', String(paused));
  });
  $('clear').addEventListener('click', () => {
    $('events').replaceChildren();
    $('no-events').hidden = false;
  });
  document.addEventListener('visibilitychange', () => { if (!document.hidden && token !== null && !session.signal.aborted) void refresh().catch(() => undefined); });
  if (token === null) askForToken('');
  else start();
})();
`;
