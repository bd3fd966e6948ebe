import { CapabilityError } from '@muster/contract';
import { expect, test } from 'vitest';
import { StoreError } from '../ports/index.ts';
import { refusalOf } from './refusal.ts';

test('refusals stay what they are, a disk that refuses is unavailable storage, defects tell nothing', () => {
  const refused = new CapabilityError(404, 'not here');
  expect(refusalOf(refused)).toBe(refused);
  expect(refusalOf(new StoreError('full', 'the disk is full'))).toMatchObject({ status: 503, message: 'storage unavailable: the disk is full' });
  expect(refusalOf(new TypeError('defect'))).toBeUndefined();
});
