import { type Clock, InvalidInputError, NotFoundError, TimeoutError, UnavailableError } from 'seaworthy/core'
import { type Service, type System, choreography } from 'seaworthy/system'
import { type AskedOfService, ask } from './ask.ts'
import { AuditLog } from './audit-log.ts'
import { type Child, settlesWithin } from './child.ts'
import { type ControlRequest, ControlSocket } from './control-socket.ts'
import type { DataDirectoryPaths } from './data-directory.ts'
import { hold } from './gateway-hold.ts'
import type { Report } from './notice.ts'
import type { ProcessPool } from './process-pool.ts'
import type { Fault } from './injected-faults.ts'
import { processRecord } from './process-record.ts'
import { type RunFile, writeRunFile } from './run-file.ts'
import { Scaling } from './scaling.ts'
import type { SupervisedProcess } from './supervised-process.ts'

export interface RunningSystemOptions {
  readonly system: System
  readonly directory: DataDirectoryPaths
  readonly pool: ProcessPool
  /** @throws ConfigurationError, UnsupportedError for a scale that cannot be */
  readonly assertScale: (scale: Readonly<Record<string, number>>) => void
  readonly clock: Clock
  readonly report: Report
  /** Called once, when the last process has ended. */
  readonly onStopped: () => void
}

/** How long a replaced process may take to end, and its successor to be ready. */
const REPLACE_STOP_TIMEOUT_MS = 5_000
const REPLACE_READY_TIMEOUT_MS = 30_000
/** Questions that change something. They are audited, and take as long as the handlers of the letters do. */
const AUDITED: ReadonlySet<string> = new Set([
  'requeue-dead-letters',
  'change-saga',
  'forget-subject',
  'rebuild-projection',
  'go-back-projection',
])
const AUDITED_TIMEOUT_MS = 60_000
const ANSWER_TIMEOUT_MS = 5_000
/** Questions that are answered by reading all that a service has. */
const SLOW: ReadonlySet<string> = new Set(['audit-events', 'erasure-report'])
const SLOW_TIMEOUT_MS = 30_000

/**
 * When, after the stop began, each stage begins at the latest, and is killed if it has not ended: first the gateway, so that no new work comes in while the
 * services that it called can still answer; then they, also while the gateway still waits for some, which must come to their answers then; last the console, which
 * takes their last traces. All is over within 5 s.
 */
const STOP_STAGES = [
  { roles: ['gateway'], beginsAfterMs: 0, killAfterMs: 4_200 },
  { roles: ['service', 'monolith'], beginsAfterMs: 2_500, killAfterMs: 4_500 },
  { roles: ['console'], beginsAfterMs: 4_550, killAfterMs: 4_800 },
] as const

/** A system whose processes run, or are being brought back. */
export class RunningSystem {
  readonly #options: RunningSystemOptions
  readonly #startedAt: string
  readonly #replacing = new Map<string, Promise<void>>()
  readonly #stopping = new AbortController()
  readonly #audit: AuditLog
  readonly #scaling: Scaling
  readonly #stopped = Promise.withResolvers<void>()
  #control: ControlSocket | undefined
  #stop: Promise<void> | undefined
  #isOver = false

  constructor(options: RunningSystemOptions) {
    this.#options = options
    this.#startedAt = new Date(options.clock.now()).toISOString()
    this.#audit = new AuditLog(options.directory.auditLog, options.clock)
    this.#scaling = new Scaling({
      ...options,
      stopping: this.#stopping.signal,
      gateway: () => this.#gatewayBefore(undefined),
      untilReady: (supervised) => this.#untilReadyInTime(supervised),
      restart: (name) => this.restart(name),
      changed: () => this.changed(),
    })
  }

  /** Resolves when a stop, whoever asked for it, is complete. */
  get stopped(): Promise<void> {
    return this.#stopped.promise
  }

  /** True from the moment that a stop, whoever asked for it, begins. */
  get isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  /** What `run.json` holds. */
  status(): RunFile {
    return {
      system: this.#options.system.name,
      startedAt: this.#startedAt,
      supervisorPid: process.pid,
      controlSocket: this.#control?.path ?? '',
      processes: this.#started.map((supervised) =>
        processRecord(supervised, { system: this.#options.system, addresses: this.#options.pool.addresses }),
      ),
      choreography: choreography(this.#options.system),
    }
  }

  /** @internal Opens the control socket and spawns every process, without waiting for one before the next. */
  async start(): Promise<void> {
    this.#control = await ControlSocket.listen(this.#options.directory.path, (request) => this.#answer(request))
    const { pool, system } = this.#options
    for (const supervised of pool.processes) if (!Object.hasOwn(system.successors, supervised.service.name)) supervised.start()
  }

  /**
   * Resolves when every process that was started until now is ready.
   * @throws StartFailedError when one has given up; UnavailableError when the system is stopped first; the signal's reason
   */
  async untilReady(signal: AbortSignal = new AbortController().signal): Promise<void> {
    const ended = AbortSignal.any([signal, this.#stopping.signal])
    await Promise.all(this.#started.map((supervised) => supervised.untilReady(ended)))
    for (const { child } of this.#options.pool.processes) child?.send({ type: 'flush-compile-cache' })
  }

  /**
   * Replaces a process: the gateway holds the requests to it, it finishes what it has, its successor becomes ready, and the held
   * requests go on. Several instances of a service are replaced one after another, and what the one would get goes to the others. A second call for the
   * same name while one is under way waits for that one. The gateway itself has nobody in front of it, so its own replacement refuses connections for a
   * moment.
   * @param name of a service, or of one instance
   * @throws ConfigurationError when there is no such process; TimeoutError when a successor is not ready in time
   */
  restart(name: string): Promise<void> {
    const meant = this.#meant(name)
    const underWay = this.#replacing.get(name)
    if (underWay !== undefined) return underWay
    const isInstance = meant.length === 1 && meant[0]!.instance === name
    const replaced = (isInstance ? this.#replace(meant[0]!) : this.#replaceInTurn(meant)).finally(() => this.#replacing.delete(name))
    this.#replacing.set(name, replaced)
    return replaced
  }

  /**
   * Changes how many instances of a service run. New ones take requests once they are ready; those who call it are restarted, one after another, so that they
   * know all of them; and those that are too many finish what they have.
   * @throws ConfigurationError, UnsupportedError for a scale that cannot be; TimeoutError when a new one is not ready in time, and then there are as many as before
   */
  scale(name: string, count: number): Promise<void> {
    this.#options.assertScale({ [name]: count })
    return this.#scaling.scale(this.#options.system.service(name), count)
  }

  /**
   * Makes the processes of a service, or one instance, suffer: slow or failing requests, a lock that is held, a stand-still, an end. All but the end lasts until it
   * is cleared, also over restarts. For a crash at a point, one process is replaced by one that will kill itself there.
   * @throws ConfigurationError when there is no such process; InvalidInputError when it cannot suffer this; UnavailableError when it does not run, and a
   * fault would hit nobody
   */
  async inject(name: string, fault: Fault): Promise<void> {
    const meant = this.#meant(name)
    const { role } = meant[0]!.service
    if (role !== 'service' && role !== 'monolith' && fault.kind !== 'pause' && fault.kind !== 'kill' && fault.kind !== 'clear') {
      throw new InvalidInputError(
        `The ${role} can be paused and killed; its requests are those of the services behind it. Choose one of them.`,
        [],
      )
    }
    if (fault.kind === 'crash') {
      meant[0]!.crashNextAt(fault.at)
      return this.restart(meant[0]!.instance)
    }
    for (const supervised of meant) supervised.inject(fault)
  }

  /**
   * Asks an instance, or any one of a service, about itself, or for a change, which is audited.
   * @throws ConfigurationError when there is no such process; UnavailableError when it is down or not ready to say; NotFoundError when it answers no such question;
   * UnknownOutcomeError when no answer came
   */
  async ask(asked: AskedOfService): Promise<unknown> {
    const { service, question, by } = asked
    const meant = this.#meant(service)
    const asking = meant.find(({ state }) => state === 'ready') ?? meant.find((candidate) => candidate.child !== undefined)
    const child = asking?.child
    if (asking === undefined || child === undefined) throw new UnavailableError(`${service} cannot be asked: it is ${meant[0]!.state}.`)
    // It may not have said yet what it answers, and must not be taken for one that has nothing: whoever asks everybody would believe to have heard them all.
    if (!child.questions.has(question) && asking.state === 'starting')
      throw new UnavailableError(`${service} cannot be asked yet: it is starting. Ask again shortly.`)
    if (!child.questions.has(question)) {
      const others = new Set(this.#started.flatMap((each) => (each.child?.questions.has(question) === true ? [each.service.name] : [])))
      const who = others.size === 0 ? '' : ` Ask ${[...others].join(' or ')}.`
      throw new NotFoundError(`${service} has nothing to say about ${question}.${who}`)
    }
    const { clock } = this.#options
    if (!AUDITED.has(question)) return ask(child, asked, { timeoutMs: SLOW.has(question) ? SLOW_TIMEOUT_MS : ANSWER_TIMEOUT_MS, clock })
    if (by === undefined || by === '')
      throw new InvalidInputError(`${question} is audited: say who asks.`, [{ field: 'by', message: 'must name who asks' }])
    return this.#audit.around({ ...asked, by }, () => ask(child, asked, { timeoutMs: AUDITED_TIMEOUT_MS, clock }))
  }

  /** SIGTERM to all, stage by stage; what is left is killed. Settles within 5 s, when no process is left. */
  stop(): Promise<void> {
    this.#stop ??= this.#stopAll()
    return this.#stop
  }

  /** SIGKILL to every process group, at once. */
  kill(): void {
    this.#stopping.abort(new UnavailableError('The system was killed.'))
    for (const supervised of this.#options.pool.processes) supervised.kill()
  }

  /** @internal A process changed its state. */
  changed(): void {
    if (this.#control === undefined || this.#isOver) return
    try {
      writeRunFile(this.#options.directory.runFile, this.status())
    } catch (error) {
      // A full disk must not end the supervisor, and with it the system.
      const message = `run.json is out of date, because it could not be written: ${(error as Error).message}`
      this.#options.report({ service: undefined, level: 'warning', message })
    }
  }

  /** @internal A process said something over its channel: the gateway wishes for the service that a route is to move to. */
  heard(from: Service, message: unknown): void {
    if (from.role !== 'gateway' || !isWish(message) || this.#stopping.signal.aborted) return
    const { pool, system } = this.#options
    if (!Object.hasOwn(system.successors, message.service)) return
    for (const supervised of pool.processes) if (supervised.service.name === message.service) supervised.start()
  }

  /** All but the successors that nobody has wished for yet. */
  get #started(): readonly SupervisedProcess[] {
    return this.#options.pool.processes.filter(({ isStarted }) => isStarted)
  }

  /** The processes of a service, or the one of an instance. @throws ConfigurationError when it is neither */
  #meant(name: string): readonly SupervisedProcess[] {
    const { pool, system } = this.#options
    const meant = pool.processes.filter(({ service, instance }) => service.name === name || instance === name)
    if (meant.length === 0) system.service(name)
    return meant
  }

  async #replaceInTurn(meant: readonly SupervisedProcess[]): Promise<void> {
    for (const { instance } of meant) await this.restart(instance)
  }

  async #replace(supervised: SupervisedProcess): Promise<void> {
    const { system, clock, report } = this.#options
    const { service, name } = supervised
    if (this.#stopping.signal.aborted) throw new UnavailableError(`${name} cannot be restarted: the system is stopping.`)
    const gateway = this.#gatewayBefore(supervised)
    const isRouted = system.routes.some((route) => route.service === service.name || route.to === service.name)
    const isAlone = this.#meant(service.name).length === 1
    const target = { upstream: service.name, ...(!isAlone && { url: this.#options.pool.urlOf(supervised) }) }
    const held = isRouted && gateway !== undefined ? await hold(gateway, target, clock) : undefined
    if (held?.confirmed === false)
      report({ service: name, level: 'warning', message: 'the gateway did not confirm that it holds requests' })
    try {
      await supervised.stop(REPLACE_STOP_TIMEOUT_MS)
      this.#stopping.signal.throwIfAborted()
      supervised.start()
      await this.#untilReadyInTime(supervised)
    } finally {
      held?.release()
    }
  }

  /** @throws TimeoutError */
  async #untilReadyInTime(supervised: SupervisedProcess): Promise<void> {
    const late = new TimeoutError(
      `${supervised.name} was not ready ${REPLACE_READY_TIMEOUT_MS} ms after its start.`,
      REPLACE_READY_TIMEOUT_MS,
    )
    const tooLate = new AbortController()
    const timer = this.#options.clock.timer(REPLACE_READY_TIMEOUT_MS, () => tooLate.abort(late))
    try {
      await supervised.untilReady(AbortSignal.any([this.#stopping.signal, tooLate.signal]))
    } finally {
      timer.cancel()
    }
  }

  /** The gateway that is at work before a process. */
  #gatewayBefore(supervised: SupervisedProcess | undefined): Child | undefined {
    const gateway = this.#options.pool.processes.find((candidate) => candidate.service.role === 'gateway' && candidate !== supervised)
    return gateway?.state === 'ready' ? gateway.child : undefined
  }

  async #stopAll(): Promise<void> {
    const {
      pool: { processes },
      clock,
    } = this.#options
    const startedMs = clock.monotonicMs()
    this.#stopping.abort(new UnavailableError('The system is stopping.'))
    const leftMs = (untilMs: number) => Math.max(0, untilMs - (clock.monotonicMs() - startedMs))
    const stages: Promise<unknown>[] = []
    for (const { roles, beginsAfterMs, killAfterMs } of STOP_STAGES) {
      await settlesWithin(Promise.all(stages), leftMs(beginsAfterMs), clock)
      const stage = processes.filter(({ service }) => roles.some((role) => role === service.role))
      stages.push(Promise.all(stage.map((supervised) => supervised.stop(leftMs(killAfterMs)))))
    }
    await Promise.all(stages)
    await settlesWithin(Promise.allSettled(this.#replacing.values()), REPLACE_STOP_TIMEOUT_MS, clock)
    this.#isOver = true
    // Before the data directory is given up: its next owner makes a socket of the same name.
    this.#control?.close()
    this.#options.onStopped()
    this.#control?.disconnect()
    this.#stopped.resolve()
  }

  async #answer(request: ControlRequest): Promise<unknown> {
    switch (request.command) {
      case 'status':
        return this.status()
      case 'restart':
        return this.restart(request.service)
      case 'scale':
        return this.scale(request.service, request.count)
      case 'fault':
        return this.inject(request.service, request.fault)
      case 'ask':
        return this.ask(request)
      case 'stop':
        // Answered at once; the connection ends when everything has.
        void this.stop()
        return null
    }
  }
}

function isWish(message: unknown): message is { readonly type: 'start'; readonly service: string } {
  const { type, service } = (typeof message === 'object' && message !== null ? message : {}) as { type?: unknown; service?: unknown }
  return type === 'start' && typeof service === 'string'
}
