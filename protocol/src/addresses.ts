/** Which addresses make sense outside the own network. Text only: nothing is resolved, so host names are not routable here. */

/** `1.2.3.4`, `1.2.3.4:5`, `2001:db8::1` or `[2001:db8::1]:5`: is it a unicast address that the public internet routes? */
export function isPubliclyRoutable(address: string): boolean {
  const host = hostOf(address);
  const four = parseIpv4(host);
  if (four) return isPublicIpv4(four);
  const six = parseIpv6(host);
  return six !== undefined && isPublicIpv6(six);
}

function hostOf(address: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(address);
  if (bracketed) return bracketed[1]!;
  const withPort = /^([^:]+):\d+$/.exec(address);
  return withPort ? withPort[1]! : address;
}

function parseIpv4(text: string): readonly number[] | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const octets = text.split('.').map(Number);
  return octets.every((octet) => octet < 256) ? octets : undefined;
}

/** Eight 16-bit groups (RFC 4291 §2.2); a zone makes it link-local, hence not an address here. */
function parseIpv6(text: string): readonly number[] | undefined {
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const four = embedded ? parseIpv4(embedded[2]!) : undefined;
  if (embedded && !four) return undefined;
  const hex = four ? `${embedded![1]}${((four[0]! << 8) | four[1]!).toString(16)}:${((four[2]! << 8) | four[3]!).toString(16)}` : text;
  const halves = hex.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':'))) as [string[], string[]?];
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (tail ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...(tail ?? [])];
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) ? groups.map((group) => Number.parseInt(group, 16)) : undefined;
}

/** RFC 6890 and its registry: what is not globally reachable. */
function isPublicIpv4([a, b, c]: readonly number[]): boolean {
  if (a === undefined || b === undefined || c === undefined) return false;
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
  if (mapped) return isPublicIpv4(octetsOf(groups[6]!, groups[7]!));
  if ((first & 0xe000) !== 0x2000) return false; // only 2000::/3 is global unicast: no loopback, ULA, link-local, multicast
  if (first === 0x2002) return isPublicIpv4(octetsOf(second, third)); // 6to4 carries an IPv4 address
  if (first === 0x2001 && (second < 0x200 || second === 0xdb8)) return false; // protocol assignments (Teredo …), documentation
  return !(first === 0x3fff && second < 0x1000); // documentation
}

function octetsOf(high: number, low: number): readonly number[] {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff];
}
