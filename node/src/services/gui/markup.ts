import { TOKEN_MARKER } from '@muster/contract';

const ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="3" fill="#0a7"/><circle cx="8" cy="8" r="6.5" fill="none" stroke="#0a7"/></svg>',
)}`;

/** The page, without style, script and token. */
export const MARKUP = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Muster</title>
<link rel="icon" href="${ICON}">
<style>/* STYLE */</style>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header>
  <h1>Muster</h1>
  <p id="state" role="status" data-state="unknown">connecting…</p>
</header>
<main id="main">
  <noscript><p class="notice">This page needs JavaScript. The same is told by <code>muster status</code>, <code>muster peers</code> and <code>muster events</code>.</p></noscript>
  <form id="token-form" class="notice" hidden>
    <label for="token">API token</label>
    <p id="token-help">This node hands its token only to a browser on its own machine, used by whoever runs it. <code>api-token</code> in its data directory holds it. It stays in this tab.</p>
    <div class="row">
      <input id="token" type="password" autocomplete="off" spellcheck="false" required aria-describedby="token-help token-error">
      <button type="submit">Connect</button>
    </div>
    <p id="token-error" role="alert"></p>
  </form>
  <section id="warnings" class="notice" aria-labelledby="warnings-title" hidden>
    <h2 id="warnings-title">Warnings</h2>
    <ul id="warning-list"></ul>
  </section>
  <section aria-labelledby="status-title">
    <h2 id="status-title">Status</h2>
    <dl id="status"></dl>
  </section>
  <section aria-labelledby="identity-title">
    <h2 id="identity-title">Identity</h2>
    <dl id="identity"></dl>
    <p id="copied" role="status" class="quiet"></p>
  </section>
  <section class="wide" aria-labelledby="peers-title">
    <h2 id="peers-title">Peers <span id="peer-count" class="count"></span></h2>
    <div class="scroll" role="region" aria-label="List of peers" tabindex="0">
      <table>
        <thead><tr><th scope="col">Agent</th><th scope="col">Machine</th><th scope="col">Trust</th><th scope="col">Address</th></tr></thead>
        <tbody id="peers"></tbody>
      </table>
    </div>
    <p id="no-peers" class="quiet">No peers yet.</p>
  </section>
  <section class="wide" aria-labelledby="events-title">
    <h2 id="events-title">Live events</h2>
    <form id="subscribe" class="row">
      <label for="topic">Topic</label>
      <input id="topic" maxlength="256" autocomplete="off" spellcheck="false" placeholder="a topic to listen to" required>
      <button type="submit">Subscribe</button>
      <button type="button" id="pause" aria-pressed="false">Pause</button>
      <button type="button" id="clear">Clear</button>
    </form>
    <p id="subscribed" role="status" class="quiet"></p>
    <div id="log" class="scroll" role="log" aria-label="Latest events" tabindex="0"><ol id="events"></ol></div>
    <p id="no-events" class="quiet">Nothing has happened yet. Messages of the topics this node is subscribed to, direct messages, and peers that come and go appear here.</p>
  </section>
</main>
<footer><p>Read through the node’s own API on this machine. <a href="/constitution">Charter</a></p></footer>
${TOKEN_MARKER}
<script>/* SCRIPT */</script>
</body>
</html>
`;
