import { ConfigurationError } from 'seaworthy/core'
import type { EventType } from 'seaworthy/messaging'
import type { CompensationContext, Facts, Saga, SagaBeforePivot, StepContext } from './definition.ts'
import { type ErasedUndo, type SagaNode, nodesOf } from './graph.ts'
import { ACTION_POLICY, COMPENSATION_POLICY, FORWARD_POLICY, type StepPolicy } from './policy.ts'

type AnyFacts = Facts<unknown, unknown>
type Block = (steps: Chain) => Chain

interface ErasedOptions {
  readonly run: (s: StepContext<unknown, unknown>) => Promise<unknown>
  readonly policy?: Partial<StepPolicy>
  readonly compensate?: (s: CompensationContext<unknown, unknown, unknown>) => Promise<unknown>
  readonly compensation?: 'not-needed'
  readonly compensationPolicy?: Partial<StepPolicy>
  readonly forward?: true
}

interface WaitOptions {
  readonly event: EventType<unknown>
  readonly key?: (s: AnyFacts) => string
  readonly timeoutMs: number | 'never'
  readonly onTimeout?: 'turn-back' | 'park' | 'go-on'
}

const ITEMS_MAX = 1_000

/**
 * Declares a saga. Raise `version` when the steps change: sagas that are under way go on with the version they began with, so keep that
 * one as long as any is left.
 * @throws ConfigurationError for two steps of one name
 */
export function saga<Input>(name: string, options: { readonly version: number }): SagaBeforePivot<Input, object> {
  if (!Number.isInteger(options.version) || options.version < 1) {
    throw new ConfigurationError(`Saga ${name} has version ${options.version}. Versions are whole numbers from 1.`)
  }
  const chain = new Chain({ name, version: options.version, steps: [], afterPivot: false, inBlock: false })
  return chain as unknown as SagaBeforePivot<Input, object>
}

interface Declared {
  readonly name: string
  readonly version: number
  readonly steps: readonly SagaNode[]
  readonly afterPivot: boolean
  readonly inBlock: boolean
}

/** What the declaration's types stand for. What they refuse, this throws for: plain JavaScript has no types. */
class Chain implements Saga<never> {
  readonly name: string
  readonly version: number
  readonly steps: readonly SagaNode[]
  readonly #declared: Declared

  constructor(declared: Declared) {
    this.#declared = declared
    this.name = declared.name
    this.version = declared.version
    this.steps = declared.steps
  }

  step(name: string, options: ErasedOptions): Chain {
    const { run, policy } = options
    const undo = this.#undo(name, options)
    if (this.#declared.afterPivot) return this.#with({ kind: 'forward', name, run, policy: { ...FORWARD_POLICY, ...policy } })
    const actionPolicy = { ...ACTION_POLICY, ...policy }
    if (undo === undefined) return this.#with({ kind: 'no-compensation', name, run, policy: actionPolicy })
    return this.#with({ kind: 'compensatable', name, run, policy: actionPolicy, ...undo })
  }

  pivot(name: string, { run, policy }: ErasedOptions): Chain {
    const { afterPivot, inBlock } = this.#declared
    if (afterPivot) throw new ConfigurationError(`Saga ${this.name} has a pivot before "${name}" already.`)
    if (inBlock) {
      throw new ConfigurationError(
        `The pivot "${name}" of saga ${this.name} is inside of a block. It decides for the whole saga: take it out.`,
      )
    }
    return this.#with({ kind: 'pivot', name, run, policy: { ...ACTION_POLICY, ...policy } }, { afterPivot: true })
  }

  parallel(name: string, branches: Readonly<Record<string, Block>>): Chain {
    const lines = Object.entries(branches).map(([branch, block]) => [branch, this.#inside(block)] as const)
    return this.#with({ kind: 'parallel', name, branches: Object.fromEntries(lines) })
  }

  when(name: string, condition: (s: AnyFacts) => boolean, then: Block): Chain {
    return this.#with({ kind: 'when', name, afterPivot: this.#declared.afterPivot, condition, steps: this.#inside(then) })
  }

  forEach(
    name: string,
    options: { items: (s: AnyFacts) => readonly unknown[]; concurrencyMax?: number; itemsMax?: number },
    each: Block,
  ): Chain {
    const { items, concurrencyMax = 1, itemsMax = ITEMS_MAX } = options
    for (const [what, value] of Object.entries({ concurrencyMax, itemsMax })) {
      if (!Number.isInteger(value) || value < 1) {
        throw new ConfigurationError(`${what} of "${name}" in saga ${this.name} is a whole number from 1, not ${value}.`)
      }
    }
    const { afterPivot } = this.#declared
    return this.#with({ kind: 'for-each', name, afterPivot, items, concurrencyMax, itemsMax, steps: this.#inside(each) })
  }

  sleep(name: string, { ms }: { ms: number | ((s: AnyFacts) => number) }): Chain {
    if (typeof ms === 'number') this.#assertTime(name, ms)
    return this.#with({ kind: 'sleep', name, afterPivot: this.#declared.afterPivot, ms: typeof ms === 'number' ? () => ms : ms })
  }

  waitFor(name: string, { event, key, timeoutMs, onTimeout }: WaitOptions): Chain {
    if (timeoutMs !== 'never') this.#assertTime(name, timeoutMs)
    const { afterPivot } = this.#declared
    const usual = afterPivot ? 'park' : 'turn-back'
    if (onTimeout !== undefined && onTimeout !== usual && onTimeout !== 'go-on') {
      throw new ConfigurationError(`"${name}" of saga ${this.name} cannot ${onTimeout} there. Say '${usual}' or 'go-on'.`)
    }
    return this.#with({ kind: 'wait', name, afterPivot, event: event.type, key, timeoutMs, onTimeout: onTimeout ?? usual })
  }

  child(name: string, options: ErasedOptions & { saga: Saga<never>; input: (s: AnyFacts) => unknown }): Chain {
    const undo = this.#undo(name, options)
    const { saga: child, input } = options
    return this.#with({ kind: 'child', name, afterPivot: this.#declared.afterPivot, saga: child, input, undo })
  }

  #undo(name: string, { compensate, compensation, compensationPolicy, forward }: ErasedOptions): ErasedUndo | undefined {
    if (this.#declared.afterPivot) {
      if (forward === true) return undefined
      throw new ConfigurationError(`Step "${name}" of saga ${this.name} is after the pivot: say \`forward: true\`.`)
    }
    if (compensate !== undefined) return { compensate, compensationPolicy: { ...COMPENSATION_POLICY, ...compensationPolicy } }
    if (compensation === 'not-needed') return undefined
    throw new ConfigurationError(`Step "${name}" of saga ${this.name} says neither how it is undone nor that it need not be.`)
  }

  #assertTime(name: string, ms: number): void {
    if (!Number.isFinite(ms) || ms < 0) throw new ConfigurationError(`"${name}" of saga ${this.name} takes milliseconds from 0, not ${ms}.`)
  }

  #inside(block: Block): readonly SagaNode[] {
    return block(new Chain({ ...this.#declared, steps: [], inBlock: true })).steps
  }

  #with(node: SagaNode, changes: Partial<Declared> = {}): Chain {
    const steps = [...this.steps, node]
    const names = new Set<string>()
    for (const { name } of nodesOf(steps)) {
      if (names.has(name)) {
        throw new ConfigurationError(
          `Saga ${this.name} has two steps named "${name}". The name is part of the step's key: give each its own.`,
        )
      }
      // `name[0]` is the step of the first item.
      if (name.endsWith(']')) throw new ConfigurationError(`Step "${name}" of saga ${this.name} must not end in "]".`)
      names.add(name)
    }
    return new Chain({ ...this.#declared, ...changes, steps })
  }
}
