/** Where networks are run and broken: worlds, faults, targets, fake peers, the scenario runner. */
export { type LabClock, systemClock } from './clock.ts';
export { DeadlineError, eventually, type Patience } from './eventually.ts';
export { BoundedLog } from './process/bounded-log.ts';
export { CannotExecute, type DaemonExit, type DaemonLaunch, DaemonProcess } from './process/daemon-process.ts';
export { type Interrupt, Interrupted, listenForInterrupt, SAME_INTERRUPT_MS } from './process/interrupt.ts';
export { groupMembers, killGroup, type ProcessRow } from './process/process-table.ts';
export { type Reaper, RUN_VARIABLE, startReaper } from './process/reaper.ts';
export { type DaemonCommand, ownDaemon, shellCommand } from './world/daemon-command.ts';
export { type Health, probeHealth } from './world/health.ts';
export { hostEntries, type HostEntry, placeOf } from './world/host-entries.ts';
export { DaemonNotReady, LocalNode, type LocalNodeOptions } from './world/local-node.ts';
export { type Link, type LocalWorld, type LocalWorldOptions, startLocalWorld, type Wiring } from './world/local-process.ts';
export type { NodeHome } from './world/node-home.ts';
export { type Direction, HalfOpenProxy, type Withheld } from './faults/half-open-proxy.ts';
export { type Fault, FaultInjector, type FaultLimits, type Mechanism } from './faults/fault-injector.ts';
export { type Cut, type Partition, PARTITION_SHAPES, type PartitionShape, type Selector } from './faults/cuts.ts';
export { halfOpen } from './faults/half-open.ts';
export type { LinkConditions } from './faults/link-shaper.ts';
export { kill, pause, restart } from './faults/process-faults.ts';
export { commandLine } from './record/command-line.ts';
export { type Followed, Following } from './record/following.ts';
export { NodeHandle, OPERATION_LIMIT_MS, type OperationOptions } from './record/node-handle.ts';
export { type Attempt, type CheckEntry, type Completion, type Operation, type Outcome, PrerequisiteFailed, Recorder } from './record/recorder.ts';
export type { CliCommand, TargetNode } from './record/target-node.ts';
export { STANDARD_BUDGETS } from './runner/budgets.ts';
export { LOOPBACK_ROUND_TRIP, TIMER_OVERSHOOT } from './runner/calibration.ts';
export { BOOTS, REFUSES_UNKNOWN, TargetUntrusted } from './runner/open-world.ts';
export { describePlan, describeReason, NoScenario, type Plan, type PlannedWorld, planRun, type Selection, UnknownSuite } from './runner/plan.ts';
export type { Observer, ProgressEvent, ScenarioOutcome } from './runner/progress-event.ts';
export { type ProgressRenderer, type ProgressStream, renderProgress } from './runner/progress.ts';
export { prove, type ProveOptions, type ProveResult, SecretInBundle } from './runner/prove.ts';
export { seededRandom, type SeededRandom } from './runner/random.ts';
export { PREREQUISITE, RAN } from './runner/run-scenario.ts';
export { type ClaimOptions, type FaultTools, type Needs, type Phases, type Requirement, type Scenario, scenario, type ScenarioContext, type Suite, suite, type Waited } from './runner/scenario.ts'; // prettier-ignore
export { type Declared, declaredCapabilities } from './targets/declared-capabilities.ts';
export { localTarget, type LocalTargetOptions } from './targets/local-target.ts';
export { type RemoteNode, remoteTarget, TargetAddressError } from './targets/remote-target.ts';
export { type Power, powers, type Target, type TargetWorld, type WorldRequest } from './targets/target.ts';
export { directEnvelope, type EnvelopeAuthor, futureTimes, inTheNameOf, oversizeFrameHead, publishEnvelope, staleTimes, type Times, withForgedSignature } from './fake-peers/envelopes.ts'; // prettier-ignore
export { PeerLink, PeerLinkClosed } from './fake-peers/peer-link.ts';
export { type OnLink, ScriptedPeer, type ScriptedPeerOptions } from './fake-peers/scripted-peer.ts';
export { type HealthyRun, type OracleReport, type SaboteurResult } from './oracles/oracle-report.ts';
export { type OracleEvent, type OracleOptions, runOracles } from './oracles/run-oracles.ts';
export { sabotagedDaemon } from './saboteurs/sabotaged-daemon.ts';
export { type Saboteur, SABOTEURS } from './saboteurs/saboteurs.ts';
export { CONTROL_TOPIC, decodeMessage, digestMarker, DISCOVER_TOPIC, encodeCommand, encodeHop, encodeResult, RESULTS_TOPIC, type RunnerCommand, type RunnerHop, type RunnerMessage, type RunnerResult } from './runner-agent/messages.ts'; // prettier-ignore
export { type Commanded, Orchestrator, type OrchestratorOptions } from './runner-agent/orchestrator.ts';
export { RunnerAgent, type RunnerAgentOptions } from './runner-agent/runner-agent.ts';
