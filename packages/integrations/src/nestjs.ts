/**
 * The way in of a NestJS application, and the policies of its outgoing calls as a module.
 *
 * The problem: policies made where they are used are many, and nobody sees them all; a server that takes every request
 * answers all of them too late.
 * The guarantee: one registry, made from declarations, injectable everywhere. A handler behind `guarded` is entered through
 * its guard; what is turned away is answered with Problem Details and `Retry-After`; the handler's call context has the
 * caller's deadline, and a signal that aborts when time is up or the client leaves.
 * Not promised: an interceptor runs after the body is read and after guards. What must be shed before that is shed by the
 * middleware of `@seaworthy/integrations/express` in `app.use`.
 */
import {
  type ArgumentsHost,
  type CallHandler,
  Catch,
  type DynamicModule,
  type ExecutionContext,
  type ExceptionFilter,
  Inject,
  Logger,
  mixin,
  type NestInterceptor,
  type Type,
} from '@nestjs/common'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ConfigurationError, SeaworthyError, withContext } from 'seaworthy/core'
import { CONTEXT_HEADERS, errorAnswer, isInternal, PROBLEM_TYPE } from 'seaworthy/http'
import { type Guard, type Policy, policy, type PolicyDeclaration, type PolicySnapshot } from 'seaworthy/resilience'
import { admit, type GuardedOptions } from './admission.ts'
import { NodeExchange } from './node-exchange.ts'

export type { GuardedOptions }

/** The policies of an application by name. */
export class PolicyRegistry {
  readonly #policies: ReadonlyMap<string, Policy>

  constructor(declarations: Readonly<Record<string, PolicyDeclaration>>) {
    this.#policies = new Map(Object.entries(declarations).map(([name, declaration]) => [name, policy(declaration, { name })]))
  }

  /** @throws ConfigurationError when none has that name */
  of(name: string): Policy {
    const found = this.#policies.get(name)
    if (found !== undefined) return found
    throw new ConfigurationError(`There is no policy ${name}. There are: ${[...this.#policies.keys()].join(', ')}.`)
  }

  snapshot(): readonly PolicySnapshot[] {
    return [...this.#policies.values()].map((each) => each.snapshot())
  }
}

/** A global module whose {@link PolicyRegistry} has the declared policies: `imports: [policies({ stock: … })]`. @throws ConfigurationError */
export function policies(declarations: Readonly<Record<string, PolicyDeclaration>>): DynamicModule {
  const registry = new PolicyRegistry(declarations)
  class PoliciesModule {
    readonly registry = registry
  }
  return { module: PoliciesModule, global: true, providers: [{ provide: PolicyRegistry, useValue: registry }], exports: [PolicyRegistry] }
}

/** An interceptor that lets requests in through a guard: `@UseInterceptors(guarded(guard))`, or global. */
export function guarded(guard: Guard, options: GuardedOptions<IncomingMessage> = {}): NestInterceptor {
  return { intercept: (context, next) => intercept(guard, options, context, next) }
}

/** An interceptor through the policy of that name in the {@link PolicyRegistry}: `@UseInterceptors(guardedBy('checkout'))`. */
export function guardedBy(name: string, options: GuardedOptions<IncomingMessage> = {}): Type<NestInterceptor> {
  class PolicyInterceptor implements NestInterceptor {
    readonly #guard: Guard

    constructor(registry: PolicyRegistry) {
      this.#guard = registry.of(name)
    }

    intercept(context: ExecutionContext, next: CallHandler) {
      return intercept(this.#guard, options, context, next)
    }
  }
  Inject(PolicyRegistry)(PolicyInterceptor, undefined, 0)
  return mixin(PolicyInterceptor)
}

/** What lies under a request or an answer of Express and of fastify. */
type Wrapped<T> = T & { readonly raw?: T }

function intercept(
  guard: Guard,
  options: GuardedOptions<IncomingMessage>,
  context: ExecutionContext,
  next: CallHandler,
): Promise<ReturnType<CallHandler['handle']>> {
  const http = context.switchToHttp()
  const request = http.getRequest<Wrapped<IncomingMessage>>()
  const response = http.getResponse<Wrapped<ServerResponse>>()
  const exchange = new NodeExchange(request.raw ?? request, response.raw ?? response)
  return new Promise((resolve, reject) => {
    let begun = false
    void admit(guard, {
      incoming: exchange.incoming,
      actor: options.actorOf?.(request),
      handle: (call) => {
        begun = true
        resolve(withContext(call, () => next.handle()))
        return exchange.over
      },
      refuse: (error) => {
        // Nest answers what the interceptor throws, as long as it waits for it.
        if (begun) exchange.refuse(error)
        else reject(error)
      },
    })
  })
}

interface Reply {
  status(code: number): unknown
  header(name: string, value: string): unknown
  type(name: string): unknown
  send(body: string): unknown
}

/** Answers the library's errors as Problem Details: `app.useGlobalFilters(new ProblemDetailsFilter())`. All others are Nest's. */
export class ProblemDetailsFilter implements ExceptionFilter<SeaworthyError> {
  readonly #logger = new Logger(ProblemDetailsFilter.name)

  catch(error: SeaworthyError, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<Reply & Wrapped<ServerResponse>>()
    const raw = reply.raw ?? reply
    if (raw.headersSent) return
    const answer = errorAnswer(error, raw.getHeader(CONTEXT_HEADERS.correlationId)?.toString())
    if (isInternal(answer)) this.#logger.error(error)
    reply.status(answer.status)
    for (const [name, value] of Object.entries(answer.headers)) reply.header(name, value)
    reply.type(PROBLEM_TYPE)
    reply.send(JSON.stringify(answer.problem))
  }
}
Catch(SeaworthyError)(ProblemDetailsFilter)
