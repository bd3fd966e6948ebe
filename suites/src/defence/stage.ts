/** A node that listens to a topic, an honest neighbour, and a peer with a link to the node that does what it is told. */
import {
  directEnvelope,
  type NodeHandle,
  type PeerLink,
  placeOf,
  publishEnvelope,
  type ScenarioContext,
  ScriptedPeer,
  type Times,
} from '@muster/lab';
import { at, type Claim, claims } from '@muster/proof';
import { utf8Bytes } from '@muster/protocol';
import { deliver } from '../links/answer.ts';
import { heardOnce, listen, type Listener, publish } from '../links/listener.ts';
import { untilLinked } from '../links/peers.ts';
import { ARRIVAL_LIMIT_MS, deliveries, payloadOf, readInbox, inboxEnd, twoOf } from '../nodes.ts';
import { count, type Counted, grew } from './counters.ts';
import { required } from './requirements.ts';

const MARKER = 'the last word, and an honest one';

export class Stage implements AsyncDisposable {
  readonly node: NodeHandle;
  readonly neighbour: NodeHandle;
  readonly peer: ScriptedPeer;
  readonly link: PeerLink;
  readonly topic: string;
  readonly #context: ScenarioContext;
  readonly #listener: Listener;
  readonly #counted: Counted;
  readonly #inboxEnd: string | undefined;

  private constructor(
    context: ScenarioContext,
    parts: Pick<Stage, 'node' | 'neighbour' | 'peer' | 'link' | 'topic'>,
    listener: Listener,
    counted: Counted,
    end: string | undefined,
  ) {
    // prettier-ignore
    this.node = parts.node;
    this.neighbour = parts.neighbour;
    this.peer = parts.peer;
    this.link = parts.link;
    this.topic = parts.topic;
    this.#context = context;
    this.#listener = listener;
    this.#counted = counted;
    this.#inboxEnd = end;
  }

  /** `counted`: the counters that will be claimed on, read now and by `settle` again. */
  static async set(context: ScenarioContext, counted: Counted): Promise<Stage> {
    const [node, neighbour] = twoOf(context);
    const topic = context.topic('stage');
    await untilLinked(context, node, neighbour, ARRIVAL_LIMIT_MS);
    const listener = await listen(context, node, topic);
    const place = await placeOf(node);
    const peer = new ScriptedPeer(place);
    const link = await peer.dial(place.address);
    await count(context, node, counted);
    return new Stage(context, { node, neighbour, peer, link, topic }, listener, counted, await inboxEnd(context, node));
  }

  /** An envelope of the peer's for the topic. */
  said(text: string, times: Times = this.now()): Promise<Uint8Array> {
    return publishEnvelope(this.peer, this.topic, utf8Bytes(text), times);
  }

  /** An envelope of the peer's for the node itself. */
  written(text: string, times: Times = this.now()): Promise<Uint8Array> {
    return directEnvelope(this.peer, this.node.agentId, utf8Bytes(text), times);
  }

  now(): Times {
    return { issued: this.#context.clock.now() };
  }

  publish(envelope: Uint8Array): void {
    this.link.send({ kind: 'publish', envelope });
  }

  /** Sends a direct envelope and records the node's next acknowledgement: `{outcome, reason?}` */
  send(envelope: Uint8Array): Promise<{ readonly seq: number }> {
    return deliver(this.#context, this.link, envelope);
  }

  /** An honest message over the same link arrives: by then the node has judged all that came before it. */
  async settle(): Promise<void> {
    this.publish(await this.said(MARKER));
    await this.#listener.heard(MARKER, ARRIVAL_LIMIT_MS);
    await this.counts();
  }

  async counts(): Promise<Record<string, number>> {
    return count(this.#context, this.node, this.#counted);
  }

  /** Claims that the node never delivered this text on the topic, although it went on delivering. */
  claimUnheard(check: string, requirement: { readonly id: string }, text: string, title: string): void {
    const unheard = claims.never(deliveries(this.topic, { nodes: [this.node], payload: payloadOf(text) }));
    this.#context.claim(check, requirement.id, 'MUST', unheard, { title, premise: heardOnce(this.node, this.topic, MARKER) });
  }

  claimCounted(check: string, requirement: { readonly id: string }, by: number, title: string): void {
    this.#context.claim(check, requirement.id, 'MUST', grew(this.node, check, by), { title });
  }

  /** What has come to the node's inbox since the stage was set. */
  inbox() {
    return readInbox(this.node, this.#inboxEnd);
  }

  /** Claims that none of these texts stands in the node's inbox. */
  async claimNotInInbox(check: string, requirement: { readonly id: string }, texts: readonly string[], title: string): Promise<void> {
    const inbox = await this.inbox();
    for (const [index, text] of texts.entries())
      this.#context.claim(
        `${check}/${index + 1}`,
        requirement.id,
        'MUST',
        claims.excludes(at(inbox, '/output/messages'), payloadOf(text), '/payload'),
        { title },
      );
  }

  /** Claims that the node is healthy and that the neighbour's messages still arrive. */
  async claimUnharmed(): Promise<void> {
    const honest = 'an honest word from the neighbour';
    await publish(this.#context, this.neighbour, this.topic, honest);
    await this.#listener.heard(honest, ARRIVAL_LIMIT_MS);
    const health = await this.node.rest('status.health');
    const claim = (check: string, title: string, what: Claim): void => this.#context.claim(check, required.unharmed.id, 'MUST', what, { title });
    claim('honest-traffic', "the neighbour's message arrives", heardOnce(this.node, this.topic, honest));
    claim('healthy', 'the node is healthy', claims.equals(at(health, '/output/status'), 'healthy'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.peer[Symbol.asyncDispose]();
  }
}
