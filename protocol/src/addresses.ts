/** Which addresses make sense outside the own network. Text only: nothing is resolved, so host names are not routable here. */

const [ZERO, NINE, DOT] = [0x30, 0x39, 0x2e];

/** `1.2.3.4`, `1.2.3.4:5`, `2001:db8::1` or `[2001:db8::1]:5`: is it a unicast address that the public internet routes? */
export function isPubliclyRoutable(address: string): boolean {
  const plain = ipv4At(address);
  if (plain !== undefined) return isPublicIpv4(plain);
  const host = hostOf(address);
  const four = host.includes(':') ? undefined : ipv4At(host);
  if (four !== undefined) return isPublicIpv4(four);
  const six = parseIpv6(host);
  return six !== undefined && isPublicIpv6(six);
}

/** The most common form, read in one go: `1.2.3.4` or `1.2.3.4:5` as a 32-bit number. */
function ipv4At(address: string): number | undefined {
  let value = 0;
  let octet = -1;
  let digits = 0;
  let dots = 0;
  let at = 0;
  for (; at < address.length; at++) {
    const code = address.charCodeAt(at);
    if (code >= ZERO && code <= NINE && digits < 3) {
      octet = Math.max(octet, 0) * 10 + code - ZERO;
      digits++;
    } else if (code === DOT && dots < 3 && octet >= 0 && octet < 256) {
      value = value * 256 + octet;
      octet = -1;
      digits = 0;
      dots++;
    } else break;
  }
  if (dots < 3 || octet < 0 || octet > 255) return undefined;
  return at === address.length || /^:\d+$/.test(address.slice(at)) ? value * 256 + octet : undefined;
}

function hostOf(address: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(address);
  if (bracketed) return bracketed[1]!;
  const withPort = /^([^:]+):\d+$/.exec(address);
  return withPort ? withPort[1]! : address;
}

/** Eight 16-bit groups (RFC 4291 §2.2); a zone makes it link-local, hence not an address here. */
function parseIpv6(text: string): readonly number[] | undefined {
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const four = embedded ? ipv4At(embedded[2]!) : undefined;
  if (embedded && four === undefined) return undefined;
  const hex = four === undefined ? text : `${embedded![1]}${(four >>> 16).toString(16)}:${(four & 0xffff).toString(16)}`;
  const halves = hex.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':'))) as [string[], string[]?];
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...(tail ?? [])];
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) ? groups.map((group) => Number.parseInt(group, 16)) : undefined;
}

/** RFC 6890 and its registry: what is not globally reachable. */
function isPublicIpv4(address: number): boolean {
  const [a, b, c] = [address >>> 24, (address >>> 16) & 0xff, (address >>> 8) & 0xff];
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false; // this network, private, loopback, multicast and reserved
  if (a === 100 && b >= 64 && b < 128) return false; // carrier-grade NAT
  if (a === 169 && b === 254) return false; // link-local
  if (a === 172 && b >= 16 && b < 32) return false; // private
  if (a === 192 && b === 168) return false; // private
  if (a === 192 && b === 0 && (c === 0 || c === 2)) return false; // protocol assignments, documentation
  if (a === 198 && (b === 18 || b === 19)) return false; // benchmarks
  return !((a === 198 && b === 51 && c === 100) || (a === 203 && b === 0 && c === 113)); // documentation
}

function isPublicIpv6(groups: readonly number[]): boolean {
  const [first, second, third] = groups as [number, number, number];
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) return isPublicIpv4(ipv4Of(groups[6]!, groups[7]!));
  if ((first & 0xe000) !== 0x2000) return false; // only 2000::/3 is global unicast: no loopback, ULA, link-local, multicast
  if (first === 0x2002) return isPublicIpv4(ipv4Of(second, third)); // 6to4 carries an IPv4 address
  if (first === 0x2001 && (second < 0x200 || second === 0xdb8)) return false; // protocol assignments (Teredo …), documentation
  return !(first === 0x3fff && second < 0x1000); // documentation
}

function ipv4Of(high: number, low: number): number {
  return high * 65_536 + low;
}
