/** Why the server refuses a request: one sealed family that the HTTP layer maps to statuses. */
@NullMarked
package dev.banyan.server.problem;

import org.jspecify.annotations.NullMarked;
