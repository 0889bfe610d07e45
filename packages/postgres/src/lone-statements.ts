import { type Operation, type Statement, observed } from 'seaworthy/core'
import { timeFact } from 'seaworthy/trace-analysis'
import { GroupCommit, type WaitingLimits } from './group-commit.ts'
import { WAIT_BRIEFLY, isOfOne } from './grouped-statements.ts'

/** A statement that is a transaction by itself, and bears company: it tells by its number of rows that it did nothing, and changes nothing that others do. */
export interface LoneStatement {
  readonly statement: Statement
  /** What it locks. Those of one group take their locks in one order. */
  readonly locks: string
}

/** One in line. */
interface Waiting extends LoneStatement {
  readonly sinceMs: number
  /** Of its caller, where somebody wants to know: the group itself shows in the trace of its first one alone. */
  readonly operation: Operation | undefined
}

type Atomically = (statements: readonly Statement[]) => Promise<readonly { readonly rowCount: number }[]>

const groupedStatements = observed('database.grouped-statement')

const GROUP_SIZE_MAX = 16
const GROUPS_MAX = 4
// Characters of parameters, so that one large statement does not keep many small ones waiting.
const GROUP_LENGTH_MAX = 1_000_000

/**
 * Statements of many callers, each a transaction by itself, in few transactions: N of them share one round trip, one COMMIT and one wait for the disk. Each succeeds or
 * fails alone. What its rows tell is its own business; where the server refuses one, or lets it wait for a lock, nothing of the group is stored, and each goes by itself.
 * An answer that was lost with the connection leaves the outcome of all of them unknown.
 */
export class LoneStatements {
  readonly #atomically: Atomically
  readonly #waiting: WaitingLimits
  readonly #groups: GroupCommit<Waiting, number>

  constructor(atomically: Atomically, waiting: WaitingLimits) {
    this.#atomically = atomically
    this.#waiting = waiting
    this.#groups = new GroupCommit({
      commit: (group) => this.#commit(group),
      isOfOne,
      alone: (one) => this.#alone(one),
      groupSizeMax: GROUP_SIZE_MAX,
      groupsMax: GROUPS_MAX,
      lengthOf: ({ statement: { params = [] } }) =>
        params.reduce<number>((length, param) => length + (typeof param === 'string' ? param.length : 0), 0),
      groupLengthMax: GROUP_LENGTH_MAX,
      waiting,
    })
  }

  /**
   * @param signal ends the wait for a group
   * @returns how many rows it came to
   * @throws what `atomically` throws for it alone; LimitExceededError when it had to wait for too long; the signal's reason
   */
  run({ statement, locks }: LoneStatement, signal?: AbortSignal): Promise<number> {
    const { what, clock } = this.#waiting
    return groupedStatements.run(
      () => ({ name: what, kind: 'internal', attributes: { 'db.system.name': 'postgresql' } }),
      (operation) => this.#groups.add({ statement, locks, sinceMs: operation === undefined ? 0 : clock.monotonicMs(), operation }, signal),
    )
  }

  async #commit(group: readonly Waiting[]): Promise<readonly number[]> {
    for (const { operation, sinceMs } of group) {
      if (operation === undefined) continue
      operation.attributes[timeFact.poolWaitMs] = this.#waiting.clock.monotonicMs() - sinceMs
      operation.attributes['seaworthy.database.group_size'] = group.length
    }
    const [first, ...others] = group
    if (first !== undefined && others.length === 0) return [await this.#alone(first)]
    const inOrder = [...group.keys()].toSorted((one, other) => compare(group[one]!.locks, group[other]!.locks))
    const [, ...results] = await this.#atomically([WAIT_BRIEFLY, ...inOrder.map((place) => group[place]!.statement)])
    const rowCounts: number[] = []
    for (const [index, place] of inOrder.entries()) rowCounts[place] = results[index]!.rowCount
    return rowCounts
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
