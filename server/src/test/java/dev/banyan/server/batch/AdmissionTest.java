package dev.banyan.server.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import dev.banyan.server.problem.ServerProblem;
import org.junit.jupiter.api.Test;

class AdmissionTest {
  private final Admission admission = new Admission(new Admission.Limits(10, 6));

  @Test
  void rowsBeyondTheLimitAreRefused() {
    admission.enter("a", 6);
    admission.enter("b", 4);

    assertThatThrownBy(() -> admission.enter("c", 1))
        .isInstanceOf(ServerProblem.Overloaded.class)
        .hasMessageContaining("limit of 10");
  }

  @Test
  void aTenantThatFloodsIsRefusedWhileOthersGetIn() {
    admission.enter("flood", 6);

    assertThatThrownBy(() -> admission.enter("flood", 1))
        .isInstanceOf(ServerProblem.Overloaded.class)
        .hasMessageContaining("flood")
        .hasMessageContaining("limit of 6");
    admission.enter("other", 4);
    assertThat(admission.rows()).isEqualTo(10);
  }

  @Test
  void aClosedTicketGivesItsPlaceBackOnce() {
    Admission.Ticket ticket = admission.enter("a", 6);
    admission.enter("b", 1);

    ticket.close();
    ticket.close();

    assertThat(admission.rows()).isEqualTo(1);
    admission.enter("a", 6);
  }

  @Test
  void theTimeToTryAgainGrowsWithTheRowsAheadAndHowLongRowsTake() {
    admission.ran(new BatchListener.BatchRun(4, 1, 40, 4 * 2_000_000_000L));
    admission.enter("a", 6);

    assertThatThrownBy(() -> admission.enter("a", 1))
        .asInstanceOf(type(ServerProblem.Overloaded.class))
        .extracting(ServerProblem.Overloaded::retryAfterSeconds)
        .isEqualTo(12L);
  }
}
