/** The command of a capability: what its options are called and how it is used. */
import type { Capability, CliForm } from './capability.ts';
import { type InputField, inputFields } from './inputs.ts';

export interface CliOption {
  /** without the leading dashes */
  readonly flag: string;
  readonly field: InputField;
  /** must be given, because neither the API nor the command has a default */
  readonly required: boolean;
}

/** `undefined` where the capability has no command. */
export function cliForm(capability: Capability): CliForm | undefined {
  return 'absent' in capability.surfaces.cli ? undefined : capability.surfaces.cli;
}

/** The fields that are not positional; booleans are flags without a value. */
export function cliOptions(capability: Capability): readonly CliOption[] {
  const form = cliForm(capability);
  if (!form) return [];
  const positional = new Set(form.arguments?.map((argument) => argument.field));
  return inputFields(capability)
    .filter((field) => !positional.has(field.name))
    .map((field) => ({
      flag: form.options?.[field.name] ?? field.name.replaceAll('_', '-'),
      field,
      required: field.required && form.defaults?.[field.name] === undefined,
    }));
}

/** `contacts add AGENT_ID [--trust TRUST_LEVEL] [--label LABEL]` */
export function cliUsage(capability: Capability): string {
  const form = cliForm(capability);
  if (!form) return '';
  const positional = (form.arguments ?? []).map((argument) => {
    const label = argument.as === 'rest' ? `-- ${argument.label}…` : argument.label;
    return argument.optional ? `[${label}]` : label;
  });
  const options = cliOptions(capability).map(({ flag, field, required }) => {
    const option = field.type === 'boolean' ? `--${flag}` : `--${flag} ${field.name.toUpperCase()}`;
    return required ? option : `[${option}]`;
  });
  return [form.command, ...positional, ...options].join(' ');
}
