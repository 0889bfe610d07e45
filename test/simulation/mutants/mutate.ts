import { parseSync, visitorKeys } from 'oxc-parser'

/** A source with one place changed. */
export interface Mutant {
  readonly line: number
  /** The function, method or constant that the place is in, the innermost that has a name. */
  readonly within: string
  /** What was changed, as in `await removed: store.markSent(…)`. */
  readonly what: string
  readonly source: string
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
}

interface Named extends Node {
  readonly name?: string
}

// Noted where the changed code runs, so that a change in code that no history comes to is told from one that nobody notices.
const REACHED = 'globalThis.mutantReached = true'

/**
 * Every mutant of a TypeScript source: each condition negated, each statement that has an effect dropped, each `await` removed, and each two such statements
 * that follow each other swapped, if one of them waits.
 */
export function mutantsOf(file: string, source: string): readonly Mutant[] {
  const mutants: Mutant[] = []
  const text = ({ start, end }: Node) => source.slice(start, end)
  const add = (within: string, kind: string, { start, end }: Node, replacement: string) => {
    mutants.push({
      line: source.slice(0, start).split('\n').length,
      within,
      what: `${kind}: ${source.slice(start, end).replaceAll(/\s+/g, ' ').slice(0, 90)}`,
      source: source.slice(0, start) + replacement + source.slice(end),
    })
  }
  walk(parseSync(file, source).program, 'the file', (node, within) => {
    switch (node.type) {
      case 'IfStatement':
      case 'WhileStatement':
      case 'ConditionalExpression': {
        const test = childOf(node, 'test')
        add(within, 'condition negated', test, `(${REACHED}, !(${text(test)}))`)
        break
      }
      case 'ThrowStatement':
      case 'ExpressionStatement':
        if (hasEffect(text(node))) add(within, 'statement dropped', node, `${REACHED};`)
        break
      case 'ReturnStatement':
        if (/^return;?$/.test(text(node))) add(within, 'statement dropped', node, `${REACHED};`)
        break
      case 'AwaitExpression':
        add(within, 'await removed', node, `(${REACHED}, ${text(childOf(node, 'argument'))})`)
        break
      case 'BlockStatement': {
        const statements = childrenOf(node, 'body')
        for (const [index, second] of statements.entries()) {
          const first = statements[index - 1]
          if (first?.type !== 'ExpressionStatement' || second.type !== 'ExpressionStatement') continue
          // Two assignments side by side can change places and nobody sees it. Around a wait the order counts.
          if (!text(first).includes('await ') && !text(second).includes('await ')) continue
          const both = { type: 'two statements', start: first.start, end: second.end }
          add(within, 'order swapped', both, `${REACHED};\n${text(second)}\n${text(first)}`)
        }
      }
    }
  })
  return mutants
}

// A constructor cannot do without `super`, and a directive does nothing.
function hasEffect(statement: string): boolean {
  return !statement.startsWith('super(') && !statement.startsWith("'")
}

function walk(node: Node, within: string, visit: (node: Node, within: string) => void): void {
  visit(node, within)
  const inside = nameOf(node) ?? within
  for (const key of visitorKeys[node.type] ?? []) for (const child of childrenOf(node, key)) walk(child, inside, visit)
}

/** The name of what has one and statements inside. */
function nameOf(node: Node): string | undefined {
  const { id, key, init, value } = node as Node & Record<'id' | 'key' | 'init' | 'value', Named | null | undefined>
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
      return id?.name
    case 'VariableDeclarator':
      return isFunction(init) ? id?.name : undefined
    case 'PropertyDefinition':
    case 'Property':
      return isFunction(value) ? key?.name : undefined
    case 'MethodDefinition':
      return key?.type === 'PrivateIdentifier' ? `#${key.name}` : key?.name
  }
  return undefined
}

function isFunction(node: Node | null | undefined): boolean {
  return node?.type === 'ArrowFunctionExpression' || node?.type === 'FunctionExpression'
}

function childOf(node: Node, key: string): Node {
  return (node as unknown as Record<string, Node>)[key]!
}

function childrenOf(node: Node, key: string): readonly Node[] {
  const found = (node as unknown as Record<string, Node | readonly (Node | null)[] | null | undefined>)[key]
  const nodes = Array.isArray(found) ? (found as readonly (Node | null)[]) : [found as Node | null | undefined]
  return nodes.filter((child) => child !== null && child !== undefined)
}
