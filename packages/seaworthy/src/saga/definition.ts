import type { CallContext } from 'seaworthy/core'
import type { EventType } from 'seaworthy/messaging'
import type { SagaNode } from './graph.ts'
import type { StepPolicy } from './policy.ts'

/** What is known when a saga decides: it may depend on nothing else, because it may be asked again after a crash. */
export interface Facts<Input, Results> {
  readonly input: Input
  /** Results of the steps before, by name. They have been through JSON, so that they are the same before and after a crash. */
  readonly results: Results
}

/**
 * What a step is given. It is a {@link CallContext}: hand it on to whatever is called. Its deadline is the attempt's own, and its
 * idempotency key is the same for every attempt.
 */
export interface StepContext<Input, Results> extends CallContext, Facts<Input, Results> {
  readonly sagaId: string
  /** `sagaId/step`, the step's name percent-encoded: the same for every attempt and for the compensation. In a `forEach`, `step[index]`. */
  readonly key: string
  readonly idempotencyKey: string
  /** From 1. */
  readonly attempt: number
}

/** What a compensation is given: the step's key, and its result if there is one. */
export interface CompensationContext<Input, Results, Result> extends StepContext<Input, Results> {
  /** Undefined when the step's outcome stayed unknown. */
  readonly result: Result | undefined
}

/** What stands around a step inside of `forEach`. */
export interface Each<Item> {
  readonly item: Item
  /** From 0. */
  readonly index: number
}

/** How a step is undone, or why it need not be. One of the two must be said. */
export type Undo<Input, Results, Result, Scope = unknown> =
  | {
      /** Undoes the step. Called when the step was done or may have been, so it must bear to find nothing there. */
      readonly compensate: (s: CompensationContext<Input, Results, Result> & Scope) => Promise<unknown>
      readonly compensationPolicy?: Partial<StepPolicy>
      readonly compensation?: never
    }
  | {
      /** The step leaves nothing behind that matters: it only reads, or what it wrote ends by itself. */
      readonly compensation: 'not-needed'
      readonly compensate?: never
      readonly compensationPolicy?: never
    }

interface Action<Input, Results, Result, Scope> {
  /** Does the step. Its result must be JSON-able. */
  readonly run: (s: StepContext<Input, Results> & Scope) => Promise<Result>
}

type With<Results, Name extends string, Result> = Results & { readonly [N in Name]: Result }
type Every<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer All) => void ? All : never

/**
 * Where a step stands:
 * - `before-pivot`: the saga may still turn back.
 * - `in-block`: the same, inside of `parallel`, `when` or `forEach`, where no pivot can be: it decides for the whole saga.
 * - `after-pivot`: the saga can only go on.
 */
export type Phase = 'before-pivot' | 'in-block' | 'after-pivot'
type Inside<P extends Phase> = P extends 'after-pivot' ? 'after-pivot' : 'in-block'
type Said<P extends Phase, Input, Results, Result, Scope> = P extends 'after-pivot'
  ? { readonly forward: true }
  : Undo<Input, Results, Result, Scope>
type PolicyOf<P extends Phase> = P extends 'after-pivot' ? Partial<Omit<StepPolicy, 'giveUpAfterMs'>> : Partial<StepPolicy>
type WhenLate<P extends Phase> = (P extends 'after-pivot' ? 'park' : 'turn-back') | 'go-on'

/** A declared saga: data and functions, known before anything runs. */
export interface Saga<Input, Results = unknown> {
  readonly name: string
  readonly version: number
  readonly steps: readonly SagaNode[]
  /** Never called; it carries the input's type. */
  readonly accepts?: (input: Input) => void
  /** Never called; it carries the type of the results. */
  readonly yields?: () => Results
}

/** A saga, or a line of steps inside of one, as it is declared. Every method gives a new one, with the result of what was added. */
export interface SagaChain<Input, Results, P extends Phase, Scope = unknown> extends Saga<Input, Results> {
  /** Never set; it carries where the next step stands. */
  readonly phase?: P
  /**
   * Adds a step. Before the pivot it says how it is undone, or that it need not be. After the pivot it says `forward: true`: it is tried until it is done, and a
   * final refusal parks the saga for a person.
   */
  step<const Name extends string, Result>(
    name: Name,
    options: Action<Input, Results, Result, Scope> & { readonly policy?: PolicyOf<P> } & Said<P, Input, Results, Result, Scope>,
  ): SagaChain<Input, With<Results, Name, Result>, P, Scope>
  /** Adds the step that decides: refused, all before it is undone; done, all after it will be done. It is never undone. */
  pivot<const Name extends string, Result>(
    this: SagaChain<Input, Results, 'before-pivot', Scope>,
    name: Name,
    options: Action<Input, Results, Result, Scope> & { readonly policy?: Partial<StepPolicy> },
  ): SagaChain<Input, With<Results, Name, Result>, 'after-pivot', Scope>
  /** Adds lines of steps that are done, and undone, side by side. When one of them turns back, no other begins a new attempt. */
  parallel<Branches extends Record<string, unknown>>(
    name: string,
    branches: {
      readonly [B in keyof Branches]: (
        branch: SagaChain<Input, Results, Inside<P>, Scope>,
      ) => SagaChain<Input, Branches[B], Inside<P>, Scope>
    },
  ): SagaChain<Input, Results & Every<Branches[keyof Branches]>, P, Scope>
  /** Adds steps that are done only if the condition holds when the saga gets there. Their results are there only then. */
  when<const Name extends string, Added>(
    name: Name,
    condition: (s: Facts<Input, Results> & Scope) => boolean,
    then: (steps: SagaChain<Input, Results, Inside<P>, Scope>) => SagaChain<Input, Added, Inside<P>, Scope>,
  ): SagaChain<Input, With<Results, Name, boolean> & Partial<Omit<Added, keyof Results>>, P, Scope>
  /** Adds steps that are done for each item, one item after another or up to `concurrencyMax` (default 1) at a time. The result has those of each item. */
  forEach<const Name extends string, Item, Added>(
    name: Name,
    options: {
      /** JSON-able. */
      readonly items: (s: Facts<Input, Results> & Scope) => readonly Item[]
      readonly concurrencyMax?: number
      /** More than these are refused, as an answer of a step would be. Default 1,000. */
      readonly itemsMax?: number
    },
    each: (
      steps: SagaChain<Input, Results, Inside<P>, Omit<Scope, keyof Each<Item>> & Each<Item>>,
    ) => SagaChain<Input, Added, Inside<P>, Omit<Scope, keyof Each<Item>> & Each<Item>>,
  ): SagaChain<Input, With<Results, Name, readonly Omit<Added, keyof Results>[]>, P, Scope>
  /** Lets time pass, by the wall clock, across restarts. A saga that only sleeps or waits takes no memory. */
  sleep(
    name: string,
    options: { readonly ms: number | ((s: Facts<Input, Results> & Scope) => number) },
  ): SagaChain<Input, Results, P, Scope>
  /**
   * Waits until {@link Orchestrator.tell} brings an event of the type; its data is the result. One that came earlier counts, and one that comes after
   * the time is told that it is too late. A wait that takes too long turns the saga back; after the pivot it parks it; `go-on` goes on without data.
   */
  waitFor<const Name extends string, Data, const Late extends WhenLate<P> = P extends 'after-pivot' ? 'park' : 'turn-back'>(
    name: Name,
    options: {
      readonly event: EventType<Data>
      readonly timeoutMs: number | 'never'
      readonly onTimeout?: Late
      /** Tells apart several waits for one type. `tell` must say the same. */
      readonly key?: (s: Facts<Input, Results> & Scope) => string
    },
  ): SagaChain<Input, With<Results, Name, Late extends 'go-on' ? Data | undefined : Data>, P, Scope>
  /**
   * Runs another saga, and goes on when it is completed; its results are the result. One that turned back is a refusal, for its reason. Turning back
   * itself, this saga first calls off a child that it has to undo, and undoes it only if it was completed.
   */
  child<const Name extends string, ChildInput, ChildResults>(
    name: Name,
    options: {
      readonly saga: Saga<ChildInput, ChildResults>
      readonly input: (s: Facts<Input, Results> & Scope) => NoInfer<ChildInput>
    } & Said<P, Input, Results, ChildResults, Scope>,
  ): SagaChain<Input, With<Results, Name, ChildResults>, P, Scope>
}

/** A saga that may still turn back. */
export type SagaBeforePivot<Input, Results> = SagaChain<Input, Results, 'before-pivot'>
/** A saga that can only go on. */
export type SagaAfterPivot<Input, Results> = SagaChain<Input, Results, 'after-pivot'>
