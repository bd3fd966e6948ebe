import { claims, observed } from '@muster/proof';
import { exercise } from '../exercise.ts';
import { deliveredOf, GENERATOR, type Load, prepareLoad, runLoad, sendsOf } from './load.ts';

/** ms for setting up and for what is lost; the load itself is given as long as its rate asks for */
const LIMIT_MS = 600_000;

export const delivery = (nodes: number) =>
  exercise<Load>(
    {
      'stress.exactly-once': 'Under load every accepted message reaches every subscriber exactly once, under the name of its sender.',
      'stress.ledger': 'For every message and subscriber: published = delivered + refused + expired + in flight.',
      'stress.accepted': 'Under load no publish is refused or left unanswered.',
      'stress.keeps-up': 'Nodes answer at the rate at which they are asked.',
      'stress.generator': 'The generator offers what was asked for, when it was asked for.',
    },
    {
      id: 'stress/delivery',
      title: `${nodes} nodes publish to one topic, and all of them get everything`,
      needs: { nodes, capabilities: ['messaging.publish', 'messaging.subscribe', 'messaging.events'] },
      limit: LIMIT_MS,
      phases: {
        setup: (context) => prepareLoad(context, 'load'),
        drive: (context, load) => runLoad(context, load),
        async eventually({ claim }, load) {
          const exactlyOnce = claims.deliveredExactlyOnce({
            ...sendsOf(load),
            receipts: deliveredOf(load).observe,
            receiptKey: deliveredOf(load).key,
            receiptSender: '/data/sender',
          });
          claim('exactly-once', 'stress.exactly-once', 'MUST', exactlyOnce);
          claim('ledger', 'stress.ledger', 'MUST', claims.balanced({ ...sendsOf(load), delivered: deliveredOf(load) }));
          const { sends } = sendsOf(load);
          const accepted = claims.countersAgree([{ operations: sends }], [{ number: load.messages * load.nodes.length }]);
          claim('accepted', 'stress.accepted', 'MUST', accepted);
          const offered = claims.equals(observed(GENERATOR, '/offered'), load.messages * load.nodes.length);
          claim('offered', 'stress.generator', 'MUST', offered, { blame: 'harness' });
          claim('on-time', 'stress.generator', 'SHOULD', claims.equals(observed(GENERATOR, '/late'), 0), { blame: 'harness' });
          claim('keeps-up', 'stress.keeps-up', 'SHOULD', claims.equals(observed(GENERATOR, '/held_back'), 0));
        },
        async finally(_, load) {
          await load[Symbol.asyncDispose]();
        },
      },
    },
  );
