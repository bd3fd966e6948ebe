import { type Suite, suite } from '@muster/lab';
import { access } from './access.ts';
import { crowd } from './crowd.ts';
import { messages } from './messages.ts';
import { requests } from './requests.ts';
import { required } from './requirements.ts';
import { slow } from './slow.ts';
import { sockets } from './sockets.ts';

export const hostile: Suite = suite({
  name: 'hostile',
  title: 'Strangers at every door',
  requirements: Object.values(required),
  scenarios: [access, requests, sockets, messages, crowd, slow],
});
