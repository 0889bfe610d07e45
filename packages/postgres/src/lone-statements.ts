import { type Statement, TimeoutError } from 'seaworthy/core'
import { PostgresError } from './errors.ts'
import { GroupCommit, type WaitingLimits } from './group-commit.ts'

/** A statement that is a transaction by itself, and bears company: it tells by its number of rows that it did nothing, and changes nothing that others do. */
export interface LoneStatement {
  readonly statement: Statement
  /** What it locks. Those of one group take their locks in one order. */
  readonly locks: string
}

type Atomically = (statements: readonly Statement[]) => Promise<readonly { readonly rowCount: number }[]>

const GROUP_SIZE_MAX = 16
const GROUPS_MAX = 4
// Characters of parameters, so that one large statement does not keep many small ones waiting.
const GROUP_LENGTH_MAX = 1_000_000
// A group holds the locks of all its statements. Well below the second after which PostgreSQL looks for deadlocks, so that nobody else is made to pay for one.
const LOCK_WAIT_MS = 50
const WAIT_BRIEFLY: Statement = { sql: `SELECT set_config('lock_timeout', '${LOCK_WAIT_MS}ms', true)` }

/**
 * Statements of many callers, each a transaction by itself, in few transactions: N of them share one round trip, one COMMIT and one wait for the disk. Each succeeds or
 * fails alone. What its rows tell is its own business; where the server refuses one, or lets it wait for a lock, nothing of the group is stored, and each goes by itself.
 * An answer that was lost with the connection leaves the outcome of all of them unknown.
 */
export class LoneStatements {
  readonly #atomically: Atomically
  readonly #groups: GroupCommit<LoneStatement, number>

  constructor(atomically: Atomically, waiting: WaitingLimits) {
    this.#atomically = atomically
    this.#groups = new GroupCommit({
      commit: (group) => this.#commit(group),
      groupSizeMax: GROUP_SIZE_MAX,
      groupsMax: GROUPS_MAX,
      lengthOf: ({ statement: { params = [] } }) =>
        params.reduce<number>((length, param) => length + (typeof param === 'string' ? param.length : 0), 0),
      groupLengthMax: GROUP_LENGTH_MAX,
      waiting,
    })
  }

  /** @returns how many rows it came to. @throws what `atomically` throws for it alone, and LimitExceededError when it had to wait for too long */
  run(statement: LoneStatement): Promise<number> {
    return this.#groups.add(statement)
  }

  async #commit(group: readonly LoneStatement[]): Promise<readonly (number | Promise<number>)[]> {
    const [first, ...others] = group
    if (first !== undefined && others.length === 0) return [await this.#alone(first)]
    const inOrder = [...group.keys()].toSorted((one, other) => compare(group[one]!.locks, group[other]!.locks))
    try {
      const [, ...results] = await this.#atomically([WAIT_BRIEFLY, ...inOrder.map((place) => group[place]!.statement)])
      const rowCounts: number[] = []
      for (const [index, place] of inOrder.entries()) rowCounts[place] = results[index]!.rowCount
      return rowCounts
    } catch (error) {
      if (!isOfOneStatement(error)) throw error
      return group.map((one) => this.#alone(one))
    }
  }

  async #alone({ statement }: LoneStatement): Promise<number> {
    const [result] = await this.#atomically([statement])
    return result!.rowCount
  }
}

/** Stable: those of one lock stay in the order in which they came. */
function compare(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1
}

/** Whether the failure of a group may be that of one statement in it. Then nothing of it was stored. */
function isOfOneStatement(error: unknown): boolean {
  return error instanceof PostgresError ? error.sqlState !== undefined && error.executed === 'no' : error instanceof TimeoutError
}
