/** What tests of prepared bundles need of the engine that trains on them. */
@NullMarked
package dev.banyan.runtime.training;

import org.jspecify.annotations.NullMarked;
