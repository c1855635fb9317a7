/* Call a trained network from a simulation loop; no MPI is started, and mpi.h isn't needed.  The
 * network of train_sine.c stands in for the force in x'' = -sin(x): a pendulum, by the leapfrog
 * scheme, beside the same pendulum with the true force.
 *
 *   cc simulate.c $(pkg-config --cflags --libs lockstep) -lm && ./a.out sine.h5 */
#include <lockstep/checkpoint.h>
#include <lockstep/model.h>
#include <math.h>
#include <stdio.h>

typedef struct pendulum {
  float x, v;
} pendulum;

static float true_force(float x) {
  return -sinf(x);
}

int main(int argc, char **argv) {
  const float dt = 0.01F;
  pendulum truth = {1.0F, 0.0F}, surrogate = truth;
  float worst = 0;
  ls_model *model = NULL;
  ls_status st = ls_model_load(argc > 1 ? argv[1] : "sine.h5", &model);
  for (int step = 0; step < 1000 && st == LS_OK; step++) {
    float sine;
    truth.v += dt * true_force(truth.x);
    truth.x += dt * truth.v;
    st = ls_model_predict(model, 1, &surrogate.x, &sine);
    surrogate.v -= dt * sine;
    surrogate.x += dt * surrogate.v;
    if (fabsf(surrogate.x - truth.x) > worst) worst = fabsf(surrogate.x - truth.x);
    if (step % 100 == 99)
      printf("t %5.2f   true %8.5f   with the network %8.5f\n", (double)(dt * (float)(step + 1)),
             (double)truth.x, (double)surrogate.x);
  }
  if (st == LS_OK) printf("largest difference %.2e\n", (double)worst);
  if (st != LS_OK) fprintf(stderr, "simulate: %s\n", ls_error_message());
  ls_model_destroy(model);
  return ls_status_exit_code(st);
}
