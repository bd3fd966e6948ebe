import { expect, test } from 'vitest';
import { publicAddresses } from './interface-addresses.ts';

const interfaces = {
  lo: [{ address: '127.0.0.1', family: 'IPv4' }],
  eth0: [
    { address: '192.168.1.7', family: 'IPv4' },
    { address: '8.8.4.4', family: 'IPv4' },
    { address: '2606:4700::7', family: 'IPv6' },
    { address: 'fe80::1', family: 'IPv6' },
  ],
  gone: undefined,
};

test.each([
  ['[::]:5483', ['8.8.4.4:5483', '[2606:4700::7]:5483']],
  ['0.0.0.0:5483', ['8.8.4.4:5483']],
  ['8.8.8.8:1', ['8.8.8.8:1']],
  ['[2606:4700::9]:1', ['[2606:4700::9]:1']],
  ['127.0.0.1:1', []],
  ['192.168.1.7:1', []],
])('what is bound to %s is reached at %j', (bound, addresses) => {
  expect(publicAddresses(bound, interfaces)).toEqual(addresses);
});

test('this host is looked at when nothing else is given', () => {
  expect(publicAddresses('127.0.0.1:1')).toEqual([]);
});
