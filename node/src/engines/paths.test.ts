import { userInfo } from 'node:os';
import { expect, test } from 'vitest';
import { instancePaths } from './paths.ts';

test.skipIf(process.platform !== 'linux')('follows XDG, and keeps instances apart', () => {
  const plain = instancePaths(undefined, { HOME: '/home/u' });
  expect(plain).toMatchObject({
    configFile: '/home/u/.config/muster/config.toml',
    dataDir: '/home/u/.local/share/muster',
    identityDir: '/home/u/.muster',
    hostDirectory: expect.stringMatching(/\/muster-\d+$/),
  });
  const named = instancePaths('bob', { HOME: '/home/u', XDG_CONFIG_HOME: '/c', XDG_DATA_HOME: 'relative', XDG_RUNTIME_DIR: '/run/u' });
  expect(named).toEqual({
    home: '/home/u',
    configFile: '/c/muster-bob/config.toml',
    dataDir: '/home/u/.local/share/muster-bob',
    identityDir: '/home/u/.muster-bob',
    hostDirectory: '/run/u/muster',
  });
});

test.skipIf(process.platform !== 'linux')('puts nothing below the working directory, whatever HOME says', () => {
  const { homedir } = userInfo();
  for (const HOME of [undefined, '', 'relative', './x'])
    expect(instancePaths(undefined, { HOME })).toMatchObject({ identityDir: `${homedir}/.muster`, dataDir: `${homedir}/.local/share/muster` });
});
