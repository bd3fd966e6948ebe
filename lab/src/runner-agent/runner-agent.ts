/**
 * A test runner inside the network: it sits beside one node, knows nothing but that node's API, takes commands by direct
 * message, carries them out and reports by direct message. Either side of this protocol may be another implementation's.
 */
import { createHash } from 'node:crypto';
import type { LabClock } from '../clock.ts';
import type { Following } from '../record/following.ts';
import type { NodeHandle } from '../record/node-handle.ts';
import { PrerequisiteFailed } from '../record/recorder.ts';
import { CONTROL_TOPIC, decodeMessage, digestMarker, DISCOVER_TOPIC, encodeHop, encodeResult, RESULTS_TOPIC, type RunnerCommand, type RunnerHop, type RunnerResult } from './messages.ts'; // prettier-ignore

/** Deliveries of a result that are tried before it goes to the results topic. */
const RESULT_TRIES = 3;
const RETRY_MS = 100;
/** Messages that are being worked on at a time; the stream waits for the others. */
const CONCURRENCY = 64;

export interface RunnerAgentOptions {
  readonly clock: LabClock;
  /** true: also listens to the discovery and control topics */
  readonly topics?: boolean;
}

type Report = Pick<RunnerResult, 'kind' | 'outcome'> & Partial<RunnerResult>;

export class RunnerAgent implements AsyncDisposable {
  readonly node: NodeHandle;
  readonly #clock: LabClock;
  #ids = 0;
  readonly #streams: Following<unknown>[] = [];
  readonly #subscriptions: string[] = [];
  readonly #work = new Set<Promise<void>>();
  readonly #stopped = new AbortController();
  /** results that could not be delivered in any way */
  lost = 0;

  private constructor(node: NodeHandle, clock: LabClock) {
    this.node = node;
    this.#clock = clock;
  }

  /** Ready for commands when it resolves. @throws PrerequisiteFailed when the node refuses what a runner needs */
  static async start(node: NodeHandle, { clock, topics = false }: RunnerAgentOptions): Promise<RunnerAgent> {
    const agent = new RunnerAgent(node, clock);
    if (node.agentId === '') {
      const who = await node.introduce();
      if (who.outcome !== 'ok') throw new PrerequisiteFailed(who, `${node.name} says who it is`);
    }
    agent.#streams.push(
      await node.follow('direct.events', {
        onEvent: ({ data }) => agent.#take(Buffer.from(data.payload, 'base64'), data.sender),
      }),
    );
    if (topics) await agent.#listenToTopics();
    return agent;
  }

  async #listenToTopics(): Promise<void> {
    for (const topic of [DISCOVER_TOPIC, CONTROL_TOPIC]) {
      const subscribed = await this.node.rest('messaging.subscribe', { topic });
      if (subscribed.outcome !== 'ok' || !subscribed.output) throw new PrerequisiteFailed(subscribed, `${this.node.name} subscribes ${topic}`);
      this.#subscriptions.push(subscribed.output.subscription_id);
    }
    const onEvent = async (event: { event: string; data: unknown }): Promise<void> => {
      const message = event.data as { data?: { topic?: string; payload?: string; sender?: string | null } };
      const { topic, payload, sender } = message.data ?? {};
      if (event.event !== 'message' || payload === undefined || (topic !== DISCOVER_TOPIC && topic !== CONTROL_TOPIC)) return;
      await this.#take(Buffer.from(payload, 'base64'), sender ?? '');
    };
    this.#streams.push(await this.node.follow('messaging.events', { onEvent }));
  }

  /** Begins work on a message; resolves at once unless too much is under way. */
  async #take(payload: Uint8Array, sender: string): Promise<void> {
    const message = decodeMessage(payload);
    if (!message || message.kind === 'res') return;
    const work = message.kind === 'cmd' ? this.#obey(message.command) : this.#receive(message.hop, sender);
    const tracked = work.catch(() => void this.lost++).finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
    while (this.#work.size >= CONCURRENCY) await Promise.race(this.#work);
  }

  async #obey(command: RunnerCommand): Promise<void> {
    const { action, target_node: target, command_id, anchor_aid } = command;
    if (target !== '' && target !== this.node.name && target !== this.node.agentId) return;
    if (action === 'discover') return this.#report(anchor_aid, { command_id, kind: 'discover_reply', outcome: 'ok' });
    if (action === 'noop_ack') return this.#report(anchor_aid, { command_id, kind: 'ack', outcome: 'ok' });
    if (action === 'send_dm') return this.#send(command);
    return this.#report(anchor_aid, { command_id, kind: 'error', outcome: 'unknown_action', details: { action } });
  }

  /** `params`: `to` (agent id), `payload` (base64), `request_id?` */
  async #send({ command_id, anchor_aid, params }: RunnerCommand): Promise<void> {
    const { to, payload } = params;
    const request_id = typeof params['request_id'] === 'string' ? params['request_id'] : this.#uniqueId(command_id);
    if (typeof to !== 'string' || typeof payload !== 'string') {
      return this.#report(anchor_aid, { command_id, request_id, kind: 'error', outcome: 'bad_params', details: { needs: 'to, payload' } });
    }
    const bytes = Buffer.from(payload, 'base64');
    const digest = digestMarker(bytes);
    const hop = encodeHop({ requestId: request_id, digest, anchor: anchor_aid, payload: bytes });
    const sent = await this.node.rest('direct.send', { agent_id: to, payload: Buffer.from(hop).toString('base64') });
    const details = { to, status: sent.status ?? null, answer: sent.output ?? sent.error ?? null };
    await this.#report(anchor_aid, { command_id, request_id, kind: 'send_result', outcome: sent.outcome, digest_marker: digest, details });
  }

  /** The receipt names the digest of what arrived, not the one that was announced. */
  async #receive({ requestId, digest, anchor, payload }: RunnerHop, sender: string): Promise<void> {
    const found = digestMarker(payload);
    const outcome = found === digest ? 'ok' : 'digest_mismatch';
    const details = { sender, announced: digest, bytes: payload.length };
    await this.#report(anchor, { request_id: requestId, kind: 'received_dm', outcome, digest_marker: found, details });
  }

  /** Not by chance: on virtual time the same run has the same ids. 32 hex characters */
  #uniqueId(about: string): string {
    return createHash('sha256')
      .update(`${this.node.agentId} ${++this.#ids} ${about}`)
      .digest('hex')
      .slice(0, 32);
  }

  async #report(anchor: string, report: Report): Promise<void> {
    const full: RunnerResult = {
      command_id: null,
      request_id: null,
      digest_marker: null,
      details: {},
      ...report,
      node: this.node.name,
      agent_id: this.node.agentId,
      machine_id: this.node.machineId,
      ts_ms: this.#clock.now(),
    };
    const payload = Buffer.from(encodeResult(full)).toString('base64');
    // The result's arrival is the proof, not the transport's word; its id keeps a retry from being two results.
    const logical_id = this.#uniqueId(payload);
    for (let attempt = 1; attempt <= RESULT_TRIES; attempt++) {
      const sent = await this.node.rest('direct.send', { agent_id: anchor, payload, logical_id });
      if (sent.outcome === 'ok') return;
      await this.#clock.sleep(RETRY_MS * attempt, this.#stopped.signal);
    }
    const published = await this.node.rest('messaging.publish', { topic: RESULTS_TOPIC, payload });
    if (published.outcome !== 'ok') this.lost += 1;
  }

  /** Finishes what is under way, then leaves the node as it was. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort(new Error('the runner is stopping'));
    await Promise.all(this.#streams.map((stream) => stream[Symbol.asyncDispose]()));
    await Promise.all(this.#work);
    for (const id of this.#subscriptions) await this.node.rest('messaging.unsubscribe', { id });
  }
}
