/**
 * Holds the wall of the pure floors: no clock, timer, process or Node global compiles here. One transitive
 * type import would silently open it; then these lines have no error any more and the build fails.
 */

// @ts-expect-error timers do not exist in pure folders
void setTimeout
// @ts-expect-error the process does not exist in pure folders
void process
// @ts-expect-error Buffer does not exist in pure folders
void Buffer

export {}
