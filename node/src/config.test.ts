import { describe, expect, test } from 'vitest';
import { ConfigError, instanceNameOf, joinHostPort, readConfig, splitHostPort } from './config.ts';

const paths = { home: '/home/u', dataDir: '/data', identityDir: '/id', hostDirectory: '/host' };
const read = (toml: string, overrides = {}) => readConfig(toml, '/etc/muster.toml', paths, overrides);
const refusal = (toml: string, overrides = {}): string => {
  try {
    read(toml, overrides);
    return 'read';
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message;
  }
};

describe('the configuration', () => {
  test('has a default for everything; a named instance takes any free ports', () => {
    expect(read('')).toMatchObject({
      bindAddress: '[::]:5483',
      apiAddress: '127.0.0.1:12700',
      dataDir: '/data',
      identityDir: '/id',
      hostDirectory: '/host',
      networkName: 'muster.main',
      bootstrapPeers: [],
      autoDial: true,
      lanDiscovery: true,
      logLevel: 'warn',
      inboxLimit: 100_000,
      discovery: { heartbeatMs: 300_000, ttlMs: 900_000, rendezvousValidityMs: 3_600_000 },
    });
    expect(read('instance_name = "bob"')).toMatchObject({ instanceName: 'bob', bindAddress: '[::]:0', apiAddress: '127.0.0.1:0' });
  });

  test('tolerates keys that mean nothing here, and says which, save those of the compatible daemon', () => {
    expect(read('netwrok_id = "x"\nheartbeat_interval_secs = 5\n[update]\nenabled = false').unknownKeys).toEqual(['netwrok_id']);
  });

  test('says how often an agent announces itself, how long others are remembered, and whether it leaves a rendezvous record', () => {
    const toml = 'heartbeat_interval_secs = 5\nidentity_ttl_secs = 15\nrendezvous_validity_ms = 60000';
    expect(read(toml).discovery).toEqual({ heartbeatMs: 5_000, ttlMs: 15_000, rendezvousValidityMs: 60_000 });
    expect(read(`${toml}\nrendezvous_enabled = false`).discovery.rendezvousValidityMs).toBeUndefined();
    expect(read('external_addresses = ["8.8.8.8:5483", "[2606:4700::1]:1"]').externalAddresses).toEqual(['8.8.8.8:5483', '[2606:4700::1]:1']);
    expect(refusal('external_addresses = ["192.168.1.7:5483"]')).toMatch(/external_addresses\.0: must be an address that the public internet routes/);
    expect(refusal('heartbeat_interval_secs = 0')).toMatch(/heartbeat_interval_secs/);
    expect(refusal('rendezvous_validity_ms = 86400001')).toMatch(/rendezvous_validity_ms/);
  });

  test('takes absolute paths, and those below the home of the user', () => {
    const toml =
      'data_dir = "~/agents/bob"\nidentity_dir = "/keys"\nhost_directory = "~/run"\nuser_key_path = "~/human.key"\ncharter_path = "~/c.md"';
    expect(read(toml)).toMatchObject({
      dataDir: '/home/u/agents/bob',
      identityDir: '/keys',
      hostDirectory: '/home/u/run',
      userKeyPath: '/home/u/human.key',
      charterPath: '/home/u/c.md',
    });
    for (const key of ['data_dir', 'identity_dir', 'host_directory', 'user_key_path', 'charter_path'])
      for (const path of ['', 'data', './data', '~', '~bob/data'])
        expect(refusal(`${key} = "${path}"`)).toBe(
          `/etc/muster.toml: ${key}: must be an absolute path, or one below your home that begins with ~/; correct the value`,
        );
  });

  test('takes the times of presence in seconds, each on its own', () => {
    const times = (toml: string) => {
      const { beaconIntervalMs, offlineTimeoutMs, eventPollMs } = read(toml).presence;
      return [beaconIntervalMs, offlineTimeoutMs, eventPollMs];
    };
    expect(times('')).toEqual([30_000, 300_000, 1_000]);
    const toml = 'presence_beacon_interval_secs = 2\npresence_offline_timeout_secs = 20\npresence_event_poll_interval_secs = 7';
    expect([times(toml), read(toml).unknownKeys]).toEqual([[2_000, 20_000, 7_000], []]);
  });

  test('gives way to flags', () => {
    const toml = 'instance_name = "bob"\napi_address = "[::1]:7000"\nbootstrap_peers = ["a:1"]\nlog_level = "trace"\nunheard_of = 1';
    expect(read(toml, { name: 'eve', apiPort: 8000, noBootstrap: true })).toMatchObject({
      instanceName: 'eve',
      apiAddress: '[::1]:8000',
      bootstrapPeers: [],
      logLevel: 'debug',
    });
    expect([instanceNameOf(toml, 'f', {}), instanceNameOf(toml, 'f', { name: 'eve' }), instanceNameOf('', 'f', {})]).toEqual([
      'bob',
      'eve',
      undefined,
    ]);
  });

  test.each([
    ['not toml at all', 'a = ', /^\/etc\/muster.toml:1:\d+: not valid TOML \(.+\); correct or remove the file$/],
    ['a value of another type', 'bind_address = 5', /^\/etc\/muster.toml: bind_address: .+; correct the value$/],
    ['no address', 'bind_address = "nowhere"', /^\/etc\/muster.toml: bind_address: must be host:port, with the port in 0–65535; correct the value$/],
    ['a port out of range', 'bootstrap_peers = ["a:1", "b:99999"]', /^\/etc\/muster.toml: bootstrap_peers.1: must be host:port/],
    [
      'an interval that nobody would wait for',
      'presence_beacon_interval_secs = 900',
      /^\/etc\/muster.toml: presence_beacon_interval_secs: .+100; correct the value$/,
    ],
    ['an odd name', 'instance_name = "a b"', /^\/etc\/muster.toml: instance_name: must be 1–64 letters/],
  ])('refuses %s in one line that names file and key', (_, toml, message) => {
    expect(refusal(toml)).toMatch(message);
  });

  test('refuses an odd name on the command line', () => {
    expect(refusal('', { name: '../x' })).toBe('--name ../x: must be 1–64 letters, digits or dashes, starting with a letter or digit');
  });
});

test.each([
  ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
  ['[::1]:0', { host: '::1', port: 0 }],
  ['host.example:65535', { host: 'host.example', port: 65_535 }],
  ['host:65536', undefined],
  ['::1:80', undefined],
  ['host', undefined],
  [':80', undefined],
])('host and port of %s', (text, parts) => {
  expect(splitHostPort(text)).toEqual(parts);
  if (parts) expect(joinHostPort(parts.host, parts.port)).toBe(text);
});
