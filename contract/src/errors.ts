/** Everything a capability may refuse with: what it declares, and what follows from its auth, body and fields. */
import type { Capability, ErrorCase } from './capability.ts';
import { inputFields } from './inputs.ts';

export const UNAUTHORIZED = 'missing or invalid Authorization: Bearer token';

/** A refusal by a capability; `text` says that the body is plain text instead of JSON, `bare` that the JSON has no `ok`. */
export interface DocumentedError extends ErrorCase {
  readonly body: 'json' | 'bare' | 'text';
}

export function documentedErrors(capability: Capability): readonly DocumentedError[] {
  const json = capability.refusal === 'bare' ? 'bare' : 'json';
  const declared = capability.errors.map((error) => ({ ...error, body: error.error === '' ? ('text' as const) : json }) as const);
  return [...accessErrors(capability), ...bodyErrors(capability), ...fieldErrors(capability, json), ...declared];
}

function accessErrors(capability: Capability): DocumentedError[] {
  const errors: DocumentedError[] = [
    { status: 403, error: 'forbidden: {}', when: 'the Host header is not a name of this node (DNS rebinding)', body: 'json' },
    { status: 503, error: 'too many {}', when: 'the bound on connections or streams is reached; try again', body: 'json' },
  ];
  if (capability.auth !== 'open') errors.push({ status: 401, error: UNAUTHORIZED, when: 'the token is missing or wrong', body: 'bare' });
  return errors;
}

function bodyErrors(capability: Capability): DocumentedError[] {
  const tooLarge = { status: 413, error: 'Failed to buffer the request body: {}', when: 'the body exceeds 1,048,576 bytes', body: 'text' } as const;
  if (capability.body === 'json-prefix') {
    return [
      { status: 400, error: 'Failed to parse the request body as JSON: {}', when: 'the body is empty or no JSON', body: 'text' },
      tooLarge,
      { status: 415, error: 'Expected request with `Content-Type: application/json`', when: 'the content type is another one', body: 'text' },
      {
        status: 422,
        error: 'Failed to deserialize the JSON body into the target type: {}',
        when: `a field is missing or has the wrong type${capability.unknown === 'deny' ? ', or is unknown' : ''}`,
        body: 'text',
      },
    ];
  }
  if (capability.body !== 'strict-optional') return [];
  return [
    { status: 400, error: 'invalid JSON: {}', when: 'the body is neither empty nor exactly one fitting JSON object', body: 'json' },
    tooLarge,
    { status: 415, error: 'Content-Type must be application/json', when: 'there is a body of another content type', body: 'json' },
  ];
}

function fieldErrors(capability: Capability, json: 'json' | 'bare'): DocumentedError[] {
  const fields = inputFields(capability);
  const errors: DocumentedError[] = fields
    .filter((field) => field.refused.length > 0)
    .map((field) => ({ status: 400, error: '{}', when: `${field.name} is not well-formed: ${field.description}`, body: json }));
  if (fields.some((field) => field.source === 'query' && (field.required || field.type !== 'text'))) {
    errors.push({ status: 400, error: 'Failed to deserialize query string: {}', when: 'a query parameter has the wrong type', body: 'text' });
  }
  return errors;
}
