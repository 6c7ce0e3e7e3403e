// To which part of a node a sample of its profile belongs; null: it was idle.

const SYSTEM = {
  '(garbage collector)': 'garbage collection',
  '(program)': "Node's own C++ and the kernel",
}

export function partOf({ functionName, url }) {
  if (functionName === '(idle)' || functionName === '(root)') return null
  const system = SYSTEM[functionName]
  if (system !== undefined) return system
  const grpc = url.match(/node_modules\/(@grpc\/grpc-js|[^/]+)/)
  if (grpc !== null) return grpc[1]
  const own = url.match(/\/dist\/([^/]+)/)
  if (own !== null) return `quorate ${own[1]}`
  const builtin = url.match(/^node:(?:internal\/)?([a-z0-9_]+)/)
  if (builtin !== null) return `Node ${builtin[1]}`
  return `Node ${functionName === '' ? 'natives' : `native ${functionName}`}`
}
