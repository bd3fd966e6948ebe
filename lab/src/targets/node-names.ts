const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi'];

/** The name of the node with this index in a world. */
export function nodeName(index: number): string {
  return NAMES[index] ?? `node-${index + 1}`;
}
