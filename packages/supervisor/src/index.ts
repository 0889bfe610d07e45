/**
 * Supervisor: starts the processes of a system, keeps them running, replaces them, stops them.
 *
 * The problem: a system of a dozen processes on one machine is started by a dozen terminals, and what is left of it afterwards is
 * found days later, holding a port.
 * The guarantee: a process that ends is started again, with back-off; a stop is over within 5 s; and when the supervisor is gone,
 * even by SIGKILL, its processes and theirs are gone too.
 * Not promised: a process that moves itself into another process group and closes its channel is out of reach. One machine; Linux and macOS.
 */
export { Guardian } from './guardian.ts'
export { type SuperviseOptions, supervise } from './supervise.ts'
export type { RunningSystem } from './running-system.ts'
export { type ControlOptions, askService, control } from './control.ts'
export type { ControlRequest } from './control-socket.ts'
export { CRASH_POINT, type Fault, LATENCY_MAX_MS, LOCK_MAX_MS, type RequestFaults } from './injected-faults.ts'
export { type ProcessRecord, type ProcessState, type RunFile, readRunFile } from './run-file.ts'
export { type DataDirectoryPaths, dataDirectoryPaths, hasServiceData, openDataDirectory } from './data-directory.ts'
export {
  type LabOutcome,
  type LabReport,
  type LabRunSummary,
  beginLabRun,
  labFigure,
  labReport,
  labRuns,
  writeLabReport,
} from './lab-runs.ts'
export type { Notice, Report } from './notice.ts'
export { freePorts } from './ports.ts'
export type { RestartPolicy } from './supervised-process.ts'
export {
  AlreadyRunningError,
  DataDirectoryError,
  NotRunningError,
  PortTakenError,
  StartFailedError,
  SupervisorSilentError,
} from './errors.ts'
