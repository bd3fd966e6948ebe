/** Stored values: JSON in UTF-8. The store keeps bytes whole or not at all, so nothing here guards against half a record. */
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function toRecord(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

export function fromRecord<T>(bytes: Uint8Array): T {
  return JSON.parse(decoder.decode(bytes)) as T;
}
