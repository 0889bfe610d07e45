import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { type PostgresServer, startPostgres } from '../../../../test/servers/embedded-postgres.ts'
import { type Node, type LockGraphPlan, SERVICES } from './lock-graph.ts'
import { type Command, type Lock, type Told, type ToldSpan, ROWS, statementFor } from './protocol.ts'

const PARTICIPANT = fileURLToPath(new URL('participant-process.ts', import.meta.url))
const WAITING = 'SELECT count(DISTINCT pid)::int AS waiting FROM pg_locks WHERE NOT granted'
const WAITS_WITHIN_MS = 30_000
// Long enough for somebody to look before the server ends a circle.
const SETTINGS = { deadlock_timeout: '400ms', max_prepared_transactions: '20', max_connections: '120' }

/** What became of one waiter. */
export interface WaiterVerdict {
  readonly isRight: boolean
  /** For people: what was expected, and what its span says. */
  readonly why: string
}

type CommandBody = Command extends infer Each ? (Each extends Command ? Omit<Each, 'id'> : never) : never

/** One service in a process of its own. */
class Participant {
  readonly spans = new Map<string, ToldSpan>()
  readonly #child: ChildProcess
  readonly #answers = new Map<number, PromiseWithResolvers<Told>>()
  #commands = 0

  constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (told: Told) => {
      if (told.kind === 'span') this.spans.set(told.span.traceId, told.span)
      else if (told.kind !== 'ready') this.#answers.get(told.id)?.resolve(told)
    })
    child.on('exit', (code) => {
      for (const { reject } of this.#answers.values()) reject(new Error(`A participant ended with ${code}.`))
    })
  }

  static async start(service: string, url: string): Promise<Participant> {
    const child = fork(PARTICIPANT, [service, url], {
      execArgv: ['--disable-warning=ExperimentalWarning', '--conditions=source'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const participant = new Participant(child)
    await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => {
        throw new Error(`The participant ${service} could not start.`)
      }),
    ])
    return participant
  }

  async obey(command: CommandBody): Promise<Told> {
    const id = ++this.#commands
    const answer = Promise.withResolvers<Told>()
    this.#answers.set(id, answer)
    this.#child.send({ ...command, id })
    try {
      return await answer.promise
    } finally {
      this.#answers.delete(id)
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}

/** A transaction of whichever kind. */
interface Actor {
  /** Where its transaction is a participant's. */
  readonly traceId: string | undefined
  /** As a span would name it that knows no trace. */
  readonly application: string | undefined
  take(lock: Lock, options: { readonly thenEnd: boolean }): Promise<Told | undefined>
  end(): Promise<void>
  span(): ToldSpan | undefined
}

/** A PostgreSQL, some services in processes of their own, and graphs of locks between their transactions. */
export class LockGraphWorld implements AsyncDisposable {
  readonly #server: PostgresServer
  readonly #url: string
  readonly #control: Client
  readonly #participants: readonly Participant[]
  #transactions = 0

  private constructor(server: PostgresServer, url: string, control: Client, participants: readonly Participant[]) {
    this.#server = server
    this.#url = url
    this.#control = control
    this.#participants = participants
  }

  static async start(): Promise<LockGraphWorld> {
    const server = await startPostgres({ settings: SETTINGS })
    const { url } = await server.createDatabase()
    const control = new Client({ connectionString: url })
    await control.connect()
    await control.query(
      `CREATE TABLE thing (id int PRIMARY KEY, touched int NOT NULL DEFAULT 0); INSERT INTO thing SELECT generate_series(1, ${ROWS})`,
    )
    for (let table = 0; table < 50; table++) await control.query(`CREATE TABLE thing_${table} (id int)`)
    const participants = await Promise.all(SERVICES.map((service) => Participant.start(service, url)))
    return new LockGraphWorld(server, url, control, participants)
  }

  /** Carries a graph out, and holds what each waiter's span says against what was so. */
  async run(plan: LockGraphPlan): Promise<readonly WaiterVerdict[]> {
    const actors: Actor[] = []
    for (const node of plan.nodes) {
      const actor = await this.#begin(node)
      actors.push(actor)
      await actor.take(node.holds, { thenEnd: false })
    }
    const waits: Promise<unknown>[] = []
    const failed: boolean[] = plan.nodes.map(() => false)
    // Those behind a circle wait before it closes.
    const order = plan.nodes
      .map((_, index) => index)
      .toSorted((one, other) => Number(one < plan.circle) - Number(other < plan.circle) || one - other)
    for (const [position, index] of order.entries()) {
      const { waitsFor } = plan.nodes[index]!
      if (waitsFor === undefined) continue
      const taking = async () => {
        const told = await actors[index]!.take(plan.nodes[waitsFor]!.holds, { thenEnd: true })
        failed[index] = told?.kind === 'failed'
      }
      waits.push(taking())
      const closesCircle = plan.kind === 'deadlock' && position === order.length - 1
      if (!closesCircle) await this.#untilWaiting(waits.length)
    }
    if (plan.kind === 'tree') {
      await new Promise((resolve) => setTimeout(resolve, plan.holdMs))
      await actors[0]!.end()
    }
    await Promise.all(waits)
    return plan.nodes.flatMap(({ waitsFor }, index) =>
      waitsFor === undefined
        ? []
        : [plan.kind === 'tree' ? inTree(actors, index) : inDeadlock(plan, { actors, index, isLoser: failed[index]! })],
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#participants.map((participant) => participant.stop()))
    await this.#control.end()
    await this.#server.stop()
  }

  #begin({ actor }: Node): Promise<Actor> {
    return typeof actor === 'number' ? this.#beginIn(this.#participants[actor]!) : this.#beginOutside(actor === 'prepared')
  }

  async #beginIn(participant: Participant): Promise<Actor> {
    const transaction = ++this.#transactions
    const begun = await participant.obey({ kind: 'begin', transaction })
    const traceId = begun.kind === 'done' ? begun.traceId : undefined
    return {
      traceId,
      application: undefined,
      take: (lock, { thenEnd }) => participant.obey({ kind: 'take', transaction, lock, thenEnd }),
      end: async () => void (await participant.obey({ kind: 'end', transaction })),
      span: () => participant.spans.get(traceId ?? ''),
    }
  }

  /** Somebody who uses nothing of ours, with statements that the server keeps prepared. */
  async #beginOutside(isPrepared: boolean): Promise<Actor> {
    const client = new Client({ connectionString: this.#url, application_name: 'psql' })
    client.on('error', () => undefined)
    await client.connect()
    await client.query('BEGIN')
    const gid = `gid ${++this.#transactions}`
    return {
      traceId: undefined,
      application: isPrepared ? `prepared transaction ${gid} of postgres` : 'psql',
      take: async (lock) => {
        await client.query({ name: 'take', text: statementFor(lock) })
        if (!isPrepared) return undefined
        await client.query(`PREPARE TRANSACTION '${gid}'`)
        await client.end()
        return undefined
      },
      end: async () => {
        if (isPrepared) await this.#control.query(`COMMIT PREPARED '${gid}'`)
        else {
          await client.query('COMMIT')
          await client.end()
        }
      },
      span: () => undefined,
    }
  }

  async #untilWaiting(waiters: number): Promise<void> {
    const untilMs = performance.now() + WAITS_WITHIN_MS
    for (;;) {
      const { rows } = await this.#control.query<{ waiting: number }>(WAITING)
      if (rows[0]!.waiting === waiters) return
      if (performance.now() > untilMs) throw new Error(`${rows[0]!.waiting} sessions wait where ${waiters} were to.`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

function inTree(actors: readonly Actor[], index: number): WaiterVerdict {
  const [root] = actors as [Actor]
  const span = actors[index]!.span()
  const said = span?.attributes ?? {}
  const isRight =
    root.traceId === undefined
      ? said['seaworthy.lock.blocker.application'] === root.application
      : said['seaworthy.lock.blocker.trace_id'] === root.traceId && span?.linked.includes(root.traceId) === true
  return { isRight, why: `waiter ${index} of ${actors.length - 1}: expected ${root.traceId ?? root.application}, found ${found(said)}` }
}

function inDeadlock(
  { circle, nodes }: LockGraphPlan,
  { actors, index, isLoser }: { readonly actors: readonly Actor[]; readonly index: number; readonly isLoser: boolean },
): WaiterVerdict {
  // Who came first to a row stands before those in the circle who come later, and so is in it.
  const isBehind = (node: Node) => nodes[circle]?.waitsFor === node.waitsFor
  const others = isBehind(nodes[index]!) ? actors.slice(circle).map(({ traceId }) => traceId) : []
  const traces = actors.slice(0, circle).map(({ traceId }) => traceId)
  const own = actors[index]!.traceId
  const said = actors[index]!.span()?.attributes ?? {}
  const traceIds = said['seaworthy.lock.deadlock.trace_ids']
  const named = typeof traceIds === 'string' ? traceIds.split(', ') : []
  const blocker = said['seaworthy.lock.blocker.trace_id'] as string | undefined
  const isRight = isLoser
    ? traces.every((trace) => trace !== undefined && named.includes(trace))
    : blocker !== undefined && [...traces, ...others].includes(blocker) && blocker !== own
  const expected = `${own} to name ${isLoser ? 'all traces of the deadlock that it lost' : 'another of the deadlock'}: ${traces.join(', ')}`
  return { isRight, why: `${index} of a circle of ${circle}: expected ${expected}, found ${found(said)}` }
}

const found = (said: Readonly<Record<string, unknown>>) =>
  JSON.stringify(Object.fromEntries(Object.entries(said).filter(([name]) => /lock|time/.test(name))))
