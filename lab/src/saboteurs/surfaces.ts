/** Bugs in what a node offers: it says more than it does, less than it does, or not the same everywhere. */
import { CapabilityError } from '@muster/contract';
import { overlaid } from './overlaid.ts';
import type { Saboteur } from './saboteur.ts';

const CLI = 'its scenario compares with the command line';

const declaresWithoutDoing: Saboteur = {
  name: 'declares-without-doing',
  plants: 'declares a capability that it does not have',
  node: 'alice',
  daemons: CLI,
  caughtBy: 'surfaces/calls-trust/trust.evaluate/rest',
  handlers: () => ({
    'trust.evaluate': () => {
      throw new CapabilityError(404, 'not found');
    },
  }),
};

const doesWithoutDeclaring: Saboteur = {
  name: 'does-without-declaring',
  plants: 'does what its description does not mention',
  node: 'alice',
  daemons: CLI,
  caughtBy: 'surfaces/unknown/undeclared/trust.evaluate',
  handlers: (handlers) => ({
    'status.openapi': async (input, context) => {
      const { paths, ...description } = (await handlers['status.openapi'](input, context)) as { readonly paths: Record<string, unknown> };
      return { ...description, paths: Object.fromEntries(Object.entries(paths).filter(([path]) => path !== '/trust/evaluate')) };
    },
  }),
};

const commandDiffers: Saboteur = {
  name: 'rest-and-cli-differ',
  plants: 'has a command line that prints another version than REST tells',
  node: 'alice',
  daemons: CLI,
  caughtBy: 'surfaces/calls-status/status.get/cli',
  prints: (text) => text.replace(/"version":"[^"]*"/u, '"version":"0.0.0"'),
};

const socketDiffers: Saboteur = {
  name: 'rest-and-ws-differ',
  plants: 'refuses on a socket to publish what it publishes over REST',
  node: 'alice',
  daemons: CLI,
  caughtBy: 'surfaces/calls-messaging/messaging.publish/ws',
  handlers: (handlers) => ({
    'websocket.connect': (session, input, context) => {
      const onFrame: typeof session.onFrame = (listener) =>
        session.onFrame((frame) => {
          if (frame.type === 'publish') throw new CapabilityError(503, 'publish failed');
          return listener(frame);
        });
      handlers['websocket.connect'](overlaid(session, { onFrame }), input, context);
    },
  }),
};

const eventDiffers: Saboteur = {
  name: 'stream-and-ws-differ',
  plants: 'tells another sender on sockets than on the event stream',
  node: 'alice',
  daemons: CLI,
  caughtBy: 'surfaces/streams/direct.events/ws',
  handlers: (handlers) => ({
    'websocket.direct': (session, input, context) => {
      const send: typeof session.send = (frame) => session.send(frame.type === 'direct_message' ? { ...frame, sender: 'ee'.repeat(32) } : frame);
      handlers['websocket.direct'](overlaid(session, { send }), input, context);
    },
  }),
};

export const surfaceSaboteurs: readonly Saboteur[] = [declaresWithoutDoing, doesWithoutDeclaring, commandDiffers, socketDiffers, eventDiffers];
