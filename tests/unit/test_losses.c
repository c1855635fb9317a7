/* Losses: values and gradients from PyTorch, central differences, long rows, extreme logits, and
 * messages for targets and shapes that can't be. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "nn/loss.h"
#include "nn/vmath.h"

static ls_status make(const char *yaml, ls_config **config, ls__loss **loss) {
  char text[256];
  snprintf(text, sizeof text, "loss: %s\n", yaml);
  assert_int_equal(ls_config_parse(text, "test", config), LS_OK);
  return ls__loss_create(ls__config_child(*config, "loss"), loss);
}

static double run(const char *yaml, ls_shape prediction, ls_shape target, size_t n,
                  const float *yhat, const float *y, float *dyhat) {
  ls_config *config = NULL;
  ls__loss *loss = NULL;
  assert_int_equal(make(yaml, &config, &loss), LS_OK);
  if (ls__loss_fit(loss, &prediction, &target) != LS_OK) fail_msg("%s", ls_error_message());
  if (ls__loss_check(loss, y, n, 0) != LS_OK) fail_msg("%s", ls_error_message());
  double sum = ls__loss_run(loss, &(ls__loss_call){.n = n, .yhat = yhat, .y = y, .dyhat = dyhat});
  ls__loss_destroy(loss);
  ls_config_destroy(config);
  return sum;
}

/* Sums over 3 samples of 4 outputs, and gradients, from PyTorch 2.15 in double precision. */
static const float Z[12] = {1.5F, -0.5F, 2.0F,   0.25F, -3.0F, 0.75F,
                            0.5F, 1.0F,  0.125F, 4.0F,  -2.0F, 0.5F};
static const float T[12] = {1.0F, -0.25F, 1.5F, 0.5F, -2.0F, 1.0F,
                            0.5F, 3.0F,   0.0F, 0.0F, -2.5F, 1.0F};
static const float Q[12] = {0.1F, 0.2F, 0.6F, 0.1F, 0, 1, 0, 0, 0.25F, 0.25F, 0.25F, 0.25F};
static const float B[12] = {1, 0, 1, 0, 0.5F, 0.25F, 0, 1, 0, 1, 1, 0.125F};
static const float C[3] = {2, 0, 1};
static const float H[12] = {1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 1, 0};                 /* yes or no */
static const float N[12] = {1, 0.25F, 1.5F, 0.5F, 2, 1, 0.5F, 3, 0, 0, 2.5F, 1}; /* counts */
static float P[12], S[12]; /* softmax and sigmoid of Z */

static void reference(void **state) {
  (void)state;
  static const struct {
    const char *loss;
    const float *prediction, *target;
    double sum, gradient[12];
  } cases[] = {
      {"mse",
       Z,
       T,
       5.55078125,
       {0.25, -0.125, 0.25, -0.125, -0.5, -0.125, 0, -1, 0.0625, 2, 0.25, -0.25}},
      {"{mse: {half: true}}",
       Z,
       T,
       2.775390625,
       {0.125, -0.0625, 0.125, -0.0625, -0.25, -0.0625, 0, -0.5, 0.03125, 1, 0.125, -0.125}},
      {"mae",
       Z,
       T,
       2.46875,
       {0.25, -0.25, 0.25, -0.25, -0.25, -0.25, 0, -0.25, 0.25, 0.25, 0.25, -0.25}},
      {"huber",
       Z,
       T,
       1.525390625,
       {0.125, -0.0625, 0.125, -0.0625, -0.25, -0.0625, 0, -0.25, 0.03125, 0.25, 0.125, -0.125}},
      {"{huber: {delta: 0.4}}",
       Z,
       T,
       0.785390625,
       {0.1, -0.0625, 0.1, -0.0625, -0.1, -0.0625, 0, -0.1, 0.03125, 0.1, 0.1, -0.1}},
      {"cross_entropy",
       Z,
       C,
       5.5508995529038,
       {0.325673349513, 0.044075094999, -0.463055421357, 0.0933069768451, -0.992380063185,
        0.324007958161, 0.252337651537, 0.416034453487, 0.0197016684027, -0.0507204555195,
        0.00235302873715, 0.0286657583796}},
      {"{cross_entropy: {label_smoothing: 0.1}}",
       Z,
       C,
       5.7227745529038,
       {0.300673349513, 0.019075094999, -0.388055421357, 0.0683069768451, -0.917380063185,
        0.299007958161, 0.227337651537, 0.391034453487, -0.00529833159726, 0.0242795444805,
        -0.0226469712629, 0.00366575837964}},
      {"cross_entropy",
       Z,
       Q,
       5.8696495529038,
       {0.225673349513, -0.155924905001, -0.0630554213573, -0.00669302315493, 0.00761993681534,
        -0.675992041839, 0.252337651537, 0.416034453487, -0.230298331597, 0.69927954448,
        -0.247646971263, -0.22133424162}},
      {"{cross_entropy: {label_smoothing: 0.2}}",
       Z,
       Q,
       6.1496495529038,
       {0.195673349513, -0.165924905001, 0.00694457864267, -0.0366930231549, -0.0423800631847,
        -0.525992041839, 0.202337651537, 0.366034453487, -0.230298331597, 0.69927954448,
        -0.247646971263, -0.22133424162}},
      {"{cross_entropy: {from_logits: false}}",
       P,
       C,
       5.5508995529038,
       {0, 0, -1.86238960179, 0, -131.234683992, 0, 0, 0, 0, -1.05343047347, 0, 0}},
      {"{cross_entropy: {from_logits: false}}",
       P,
       Q,
       5.8696495529038,
       {-0.30705613508, -4.53771001525, -1.11743376107, -1.07173121862, -0, -3.08634394562, -0, -0,
        -12.6892806685, -0.263357618368, -106.246046235, -8.72120655903}},
      {"binary_cross_entropy",
       Z,
       B,
       2.3069771702324,
       {-0.0456063809516, 0.0943851671995, -0.0298007305055, 0.140544125221, -0.113143531706,
        0.107294674794, 0.1556148328, -0.0672353553425, 0.132802343343, -0.00449655249052,
        -0.220199269494, 0.1243648328}},
      {"{binary_cross_entropy: {label_smoothing: 0.2}}",
       Z,
       B,
       2.4413521702324,
       {-0.0206063809516, 0.0693851671995, -0.00480073050553, 0.115544125221, -0.113143531706,
        0.0947946747938, 0.1306148328, -0.0422353553425, 0.107802343343, 0.0205034475095,
        -0.195199269494, 0.1056148328}},
      {"{binary_cross_entropy: {from_logits: false}}",
       S,
       B,
       2.3069771702324,
       {-0.305782540037, 0.401632664928, -0.283833820809, 0.571006354172, -2.50446873185,
        0.492414593569, 0.662180317675, -0.341969860293, 0.533287113267, -0.254578909722,
        -2.09726402473, 0.52920369485}},
      {"log_cosh",
       Z,
       T,
       1.4117528704166,
       {0.115529289315, -0.0612296656009, 0.115529289315, -0.0612296656009, -0.190398538989,
        -0.0612296656009, 0, -0.241006895019, 0.0310882504429, 0.249832324935, 0.115529289315,
        -0.115529289315}},
      {"relative_l2",
       Z,
       T,
       2.5242036562351,
       {0.335083126633, -0.167541563317, 0.335083126633, -0.167541563317, -0.117736209517,
        -0.0294340523792, 0, -0.235472419034, 0.0114233505186, 0.365547216594, 0.0456934020742,
        -0.0456934020742}},
      {"{relative_l2: {eps: 0.5}}",
       Z,
       T,
       2.1303928203567,
       {0.264907433242, -0.132453716621, 0.264907433242, -0.132453716621, -0.103965625957,
        -0.0259914064892, 0, -0.207931251913, 0.0096343049945, 0.308297759824, 0.038537219978,
        -0.038537219978}},
      {"cosine_similarity",
       Z,
       T,
       -2.2417500876662,
       {0.0177272396418, -0.023143896199, -0.0108333131145, -0.0659847253334, -0.0624005191435,
        -0.0246808023478, -0.00302689085398, -0.167177510243, 0.00279874735446, 0.0895599153427,
        0.161468639984, -0.0713044496443}},
      {"poisson",
       Z,
       N,
       19.952611617489,
       {0.870422267585, 0.0891326649282, 1.47226402473, 0.196006354172, -0.487553232908,
        0.279250004153, 0.287180317675, -0.0704295428852, 0.283287113267, 13.6495375083,
        -0.591166179191, 0.162180317675}},
      {"{poisson: {log_input: false}}",
       S,
       N,
       5.3371640743204,
       {-0.0557825270051, 0.084454928907, -0.175750721465, 0.0276499158433, -10.2927661497,
        -0.118091624324, 0.0491836774773, -0.775909540274, 0.25, 0.25, -4.99315974152,
        -0.151632645045}},
      {"hinge", Z, H, 2.28125, {-0, 0.25, -0, 0.25, 0, -0.25, 0.25, -0, 0.25, -0, -0.25, 0.25}},
      {"{hinge: {squared: true}}",
       Z,
       H,
       4.16015625,
       {-0, 0.25, -0, 0.625, 0, -0.125, 0.75, -0, 0.5625, -0, -1.5, 0.75}},
      {"{cross_entropy: {class_weights: [1, 2, 0.5, 3]}}",
       Z,
       C,
       5.2920213115804,
       {0.162836674757, 0.0220375474995, -0.231527710679, 0.0466534884225, -0.992380063185,
        0.324007958161, 0.252337651537, 0.416034453487, 0.0394033368055, -0.101440911039,
        0.00470605747429, 0.0573315167593}},
      {"{cross_entropy: {class_weights: [1, 2, 0.5, 3], label_smoothing: 0.1}}",
       Z,
       C,
       5.8367153577692,
       {0.174474926577, -0.0230040043131, -0.133621445581, -0.0178494766824, -0.916903817134,
        0.294258455546, 0.255608754758, 0.36703660683, 0.0136645242404, 0.0129611060429,
        -0.00788218110335, -0.01874344918}},
      {"{cross_entropy: {class_weights: [1, 2, 0.5, 3]}}",
       Z,
       Q,
       8.9413553047037,
       {0.258240690739, -0.351517400411, 0.290639037388, -0.197362327716, 0.0152398736307,
        -1.35198408368, 0.504675303074, 0.832068906975, -0.217984788846, 1.04257925978,
        -0.121176328302, -0.703418142633}},
      {"{cross_entropy: {class_weights: [1, 2, 0.5, 3], from_logits: false}}",
       P,
       C,
       5.2920212988511,
       {0, 0, -0.931194819078, 0, -131.234681664, 0, 0, 0, 0, -2.10686094194, 0, 0}},
      {"{binary_cross_entropy: {class_weights: [0.5, 3]}}",
       Z,
       B,
       3.945333563768,
       {-0.136819142855, 0.0471925835998, -0.0894021915166, 0.0702720626107, -0.354251180485,
        0.00351900914308, 0.0778074164002, -0.201706066027, 0.0664011716717, -0.0134896574716,
        -0.660597808483, 0.0326870516504}},
      {"focal",
       Z,
       C,
       1.2341047803147,
       {0.0426349536956, 0.00577001353417, -0.0606200859774, 0.0122151187477, -0.262627555765,
        0.0857468033235, 0.0667796775742, 0.110101074867, 3.73590347458e-05, -9.61780099707e-05,
        4.46190041127e-06, 5.43570748136e-05}},
      {"{focal: {gamma: 0.5, alpha: 1, label_smoothing: 0.2}}",
       Z,
       C,
       5.6219347793757,
       {0.255566044799, -0.0107548806897, -0.279561687808, 0.0347505236987, -0.854850866868,
        0.277707763315, 0.203662251709, 0.373480851845, -0.0428234815191, 0.131386730088,
        -0.0492662594873, -0.0392969890817}},
      {"{focal: {gamma: 1.5, class_weights: [1, 2, 0.5, 3]}}",
       Z,
       Q,
       1.8531052615209,
       {0.0649183464246, -0.101459706021, 0.0992115616283, -0.062670202032, 0.00383331648283,
        -0.340067312766, 0.12694200783, 0.209291988454, -0.0617187346196, 0.291601868521,
        -0.0310749913822, -0.198808142519}},
      {"{focal: {from_logits: false}}",
       P,
       C,
       1.2341047781725,
       {-0, -0, -0.243811473047, -0, -34.7304878246, -0, -0, -0, -0, -0.0019975537752, -0, -0}},
      {"binary_focal",
       Z,
       B,
       0.90937937166399,
       {-0.00425777630581, 0.0344842493377, -0.00121773504885, 0.101560853251, -0.0282858829264,
        0.0677883862095, 0.131537955469, -0.0131452824944, 0.0875840850433, -4.33763280538e-06,
        -0.269178432612, 0.0911077329156}},
      {"{binary_focal: {gamma: 0.5, apply_class_balancing: true, alpha: 0.3, label_smoothing: "
       "0.2}}",
       Z,
       B,
       0.9050003397928,
       {-0.00706783930459, 0.0418561492661, -0.00336187302542, 0.0740903186832, -0.0400022792582,
        0.0491913799194, 0.0851963255052, -0.0129824977291, 0.068453081558, 0.00161528545365,
        -0.067201373041, 0.062200756138}},
      {"{binary_focal: {class_weights: [0.5, 3]}}",
       Z,
       H,
       1.4529657588533,
       {-0.0127733289174, 0.0172421246689, -0.00365320514654, 0.0507804266253, 3.9358980811e-05,
        -0.0653322465216, 0.0657689777343, -0.0394358474832, 0.0437920425216, -1.30128984162e-05,
        -0.807535297836, 0.0657689777343}},
      {"{binary_focal: {from_logits: false}}",
       S,
       B,
       0.90937940402452,
       {-0.0285476120997, 0.146739176972, -0.011598183137, 0.412624147567, -0.626117177391,
        0.311105774951, 0.55972719753, -0.0668590161292, 0.351706580816, -0.000245582209227,
        -2.5637608039, 0.387686393036}},
      {"kl_divergence",
       Z,
       Q,
       3.3944552517394,
       {0.225673357729, -0.155924906668, -0.063055429197, -0.00669302186428, 0.00761993681534,
        -0.675992041839, 0.252337651537, 0.416034453487, -0.230298331597, 0.69927954448,
        -0.247646971263, -0.22133424162}},
      {"{kl_divergence: {from_logits: false}}",
       P,
       Q,
       3.3944552741775,
       {-0.307056146974, -4.53771016889, -1.1174338273, -1.07173127213, -0, -3.08634394549, -0, -0,
        -12.6892802886, -0.263357617742, -106.246051204, -8.72120647088}},
      {"dice",
       P,
       C,
       2.578030702455,
       {2.3570854171e-07, 1.28691997052e-05, -0.211667197988, 2.87151355861e-06, -0.492466208556,
        2.38137826751e-07, 3.92622791599e-07, 1.44437908326e-07, 6.44064798775e-05, -0.131589649374,
        0.00451490559769, 3.04235646586e-05}},
      {"{dice: {smooth: 0.5}}",
       S,
       B,
       1.0485142654403,
       {-0.116362383765, 0.162321295045, -0.110264383074, 0.110794095079, -0.113936642556,
        0.0152994895992, 0.0992130423915, -0.125561953382, 0.117548293611, -0.101454577577,
        -0.238384196622, 0.0552242605111}},
  };
  for (size_t r = 0; r < 3; r++) {
    double sum = 0;
    for (size_t j = 0; j < 4; j++) sum += exp((double)Z[4 * r + j]);
    for (size_t j = 0; j < 4; j++) P[4 * r + j] = (float)(exp((double)Z[4 * r + j]) / sum);
  }
  for (size_t i = 0; i < 12; i++) S[i] = (float)(1 / (1 + exp(-(double)Z[i])));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const ls_shape prediction = {1, {4}}, classes = {0, {0}};
    float d[12];
    double sum = run(cases[i].loss, prediction, cases[i].target == C ? classes : prediction, 3,
                     cases[i].prediction, cases[i].target, d);
    if (fabs(sum - cases[i].sum) > 1e-6 * fabs(cases[i].sum))
      fail_msg("%s: %.9g, should be %.9g", cases[i].loss, sum, cases[i].sum);
    for (size_t e = 0; e < 12; e++)
      if (fabs((double)d[e] - cases[i].gradient[e]) > 2e-6 * (fabs(cases[i].gradient[e]) + 0.1))
        fail_msg("%s: gradient %zu: %.9g, should be %.9g", cases[i].loss, e, (double)d[e],
                 cases[i].gradient[e]);
    double again = run(cases[i].loss, prediction, cases[i].target == C ? classes : prediction, 3,
                       cases[i].prediction, cases[i].target, NULL);
    assert_true(again == sum); /* without a gradient: the same bits */
  }
}

enum { MOST = 6000 };
static float yhat[MOST], y[MOST], d[MOST];

/* Central differences on shapes that use whole vectors, ends of vectors, and long rows. */
static void gradients(void **state) {
  (void)state;
  static const char *const losses[] = {"mse",
                                       "{mse: {half: true}}",
                                       "mae",
                                       "huber",
                                       "cross_entropy",
                                       "{cross_entropy: {label_smoothing: 0.1}}",
                                       "{cross_entropy: {from_logits: false}}",
                                       "binary_cross_entropy",
                                       "{binary_cross_entropy: {from_logits: false, "
                                       "label_smoothing: 0.1}}",
                                       "log_cosh",
                                       "relative_l2",
                                       "cosine_similarity",
                                       "poisson",
                                       "{poisson: {log_input: false}}",
                                       "hinge",
                                       "{hinge: {squared: true}}",
                                       "focal",
                                       "{focal: {gamma: 0.5, label_smoothing: 0.1}}",
                                       "{focal: {from_logits: false}}",
                                       "kl_divergence",
                                       "{kl_divergence: {from_logits: false}}",
                                       "binary_focal",
                                       "{binary_focal: {gamma: 1.5, label_smoothing: 0.1, "
                                       "class_weights: [0.3, 2]}}",
                                       "{binary_focal: {from_logits: false}}",
                                       "dice",
                                       "{dice: {smooth: 1}}"};
  static const ls_shape shapes[] = {{1, {10}}, {1, {33}}, {2, {3, 5}}, {1, {1500}}};
  ls__rng rng = ls__rng_key(1, LS__RNG_TEST, 0, 0);
  for (size_t l = 0; l < sizeof losses / sizeof *losses; l++)
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
      for (int classes = 0; classes < 2; classes++) {
        const bool divergence = strstr(losses[l], "kl_") != NULL, dice = strstr(losses[l], "dice");
        bool entropy = strstr(losses[l], "cross_entropy") != NULL ||
                       strstr(losses[l], "focal") != NULL || divergence || dice;
        const bool curved = dice || strstr(losses[l], "cosine") != NULL ||
                            strcmp(losses[l], "{focal: {from_logits: false}}") == 0;
        const float step = curved                               ? 0x1p-7F
                           : strstr(losses[l], "false") != NULL ? 0x1p-6F
                                                                : 0x1p-5F;
        bool rows = entropy && strstr(losses[l], "binary") == NULL;
        if (classes && (!rows || divergence)) continue;
        /* A flat distribution over many classes has gradients below what float losses resolve. */
        if (rows && !classes && s == 3) continue;
        const bool margin = strstr(losses[l], "hinge") != NULL;
        ls_shape prediction = shapes[s], target = shapes[s];
        size_t n = 4, count = n * ls_shape_count(&prediction);
        size_t width = prediction.dim[prediction.ndim - 1];
        for (size_t i = 0; i < count; i++) { /* probabilities, or numbers away from kinks */
          y[i] = 0.05F + 0.2F * ls__rng_uniform(&rng, i);
          yhat[i] = y[i] + 0.3F + 0.15F * ls__rng_uniform(&rng, MOST + i);
        }
        for (size_t i = 0; margin && i < count; i++) y[i] = (float)(i % 2);
        for (size_t i = 0; divergence && i < count; i += width) { /* a distribution */
          float sum = 0;
          for (size_t j = 0; j < width; j++) sum += y[i + j];
          for (size_t j = 0; j < width; j++) y[i + j] /= sum;
        }
        if (classes) {
          target.ndim--;
          for (size_t i = 0; i < count / width; i++) y[i] = (float)(i * 7 % width);
        }
        run(losses[l], prediction, target, n, yhat, y, d);
        double difference = 0, size = 0;
        for (size_t i = 0; i < count; i++) {
          bool label = classes && i % width == (size_t)y[i / width];
          if (i % (1 + count / 300) != 0 && !label) continue; /* a few of many */
          float old = yhat[i], up = old + step, down = old - step;
          yhat[i] = up;
          double above = run(losses[l], prediction, target, n, yhat, y, NULL);
          yhat[i] = down;
          double below = run(losses[l], prediction, target, n, yhat, y, NULL);
          yhat[i] = old;
          double numeric = (above - below) / ((double)up - (double)down);
          difference += pow(numeric - (double)d[i], 2);
          size += numeric * numeric;
        }
        if (!(sqrt(difference / size) < 1e-3))
          fail_msg("%s, width %zu: relative error %g", losses[l], width, sqrt(difference / size));
      }
}

/* A batch is the sum of its samples, whatever their number. */
static void additive(void **state) {
  (void)state;
  ls__rng rng = ls__rng_key(2, LS__RNG_TEST, 0, 0);
  const ls_shape prediction = {1, {10}}, target = {0, {0}};
  for (size_t i = 0; i < 2560; i++) yhat[i] = 3 * (float)ls__rng_normal(&rng, i);
  for (size_t i = 0; i < 256; i++) y[i] = (float)(i * i % 10);
  double whole = run("cross_entropy", prediction, target, 256, yhat, y, d), sum = 0;
  for (size_t i = 0; i < 256; i++) {
    float one[10];
    double top = -INFINITY, exact = 0;
    for (size_t j = 0; j < 10; j++) top = fmax(top, (double)yhat[10 * i + j]);
    for (size_t j = 0; j < 10; j++) exact += exp((double)yhat[10 * i + j] - top);
    exact = log(exact) + top - (double)yhat[10 * i + (size_t)y[i]];
    double got = run("cross_entropy", prediction, target, 1, yhat + 10 * i, y + i, one);
    assert_true(fabs(got - exact) < 1e-6 * (1 + exact));
    assert_memory_equal(one, d + 10 * i, sizeof one);
    sum += got;
  }
  assert_true(sum == whole);
}

/* Rows that share vectors have the bits of the formula row by row, from left to right. */
static void side_by_side(void **state) {
  (void)state;
  const ls__rng rng = ls__rng_key(3, LS__RNG_TEST, 0, 0);
  const ls_shape label = {0, {0}};
  for (size_t width = 2; width < 16; width++)
    for (size_t n = 1; n <= 35; n++) {
      const ls_shape prediction = {1, {width}};
      double sum = 0;
      for (size_t i = 0; i < n * width; i++) yhat[i] = 4 * (float)ls__rng_normal(&rng, i + n);
      for (size_t i = 0; i < n; i++) y[i] = (float)(i * i % width);
      const double got = run("cross_entropy", prediction, label, n, yhat, y, d);
      for (size_t i = 0; i < n; i++) {
        const float *z = yhat + i * width;
        const size_t c = i * i % width;
        float top = z[0], all = 0;
        for (size_t j = 1; j < width; j++) top = z[j] > top ? z[j] : top;
        for (size_t j = 0; j < width; j++) all += ls__expf(z[j] - top);
        sum += (double)(ls__logf(all) - (z[c] - top));
        for (size_t j = 0; j < width; j++) {
          const float want = ls__expf(z[j] - top) * (1.0F / all) - (j == c ? 1.0F : 0.0F);
          if (d[i * width + j] != want)
            fail_msg("row %zu of %zu, width %zu: %.9g, wanted %.9g", i, n, width,
                     (double)d[i * width + j], (double)want);
        }
      }
      assert_true(got == sum);
      assert_true(run("cross_entropy", prediction, label, n, yhat, y, NULL) == sum);
    }
}

static void extremes(void **state) {
  (void)state;
  const ls_shape k3 = {1, {3}}, label = {0, {0}}, one = {1, {1}};
  const float z[3] = {1000.0F, 0.0F, -1000.0F}, c0 = 0, c2 = 2;
  float g[3];
  assert_true(run("cross_entropy", k3, label, 1, z, &c0, g) == 0.0);
  assert_true(g[0] == 0.0F && g[1] == 0.0F && g[2] == 0.0F);
  assert_true(run("cross_entropy", k3, label, 1, z, &c2, g) == 2000.0);
  assert_true(g[0] == 1.0F && g[2] == -1.0F);
  const float big = 500.0F, yes = 1, no = 0, certain = 1;
  assert_true(run("binary_cross_entropy", one, one, 1, &big, &yes, g) == 0.0 && g[0] == 0.0F);
  assert_true(run("binary_cross_entropy", one, label, 1, &big, &no, g) == 500.0 && g[0] == 1.0F);
  /* A certain and wrong probability: large, and finite. */
  assert_true(run("{binary_cross_entropy: {from_logits: false}}", one, one, 1, &certain, &no, g) ==
              100.0);
  assert_true(isfinite(g[0]) && g[0] > 1e6F);
  const float nan3[3] = {NAN, 0, 0};
  assert_true(isnan(run("cross_entropy", k3, label, 1, nan3, &c0, g)));
  assert_true(isnan(run("mse", k3, k3, 1, nan3, z, NULL)));
  assert_true(isnan(run("mae", k3, k3, 1, nan3, z, NULL)));
  assert_true(isnan(run("huber", k3, k3, 1, nan3, z, NULL)));
  assert_true(isnan(run("log_cosh", k3, k3, 1, nan3, z, NULL)));
  assert_true(isnan(run("relative_l2", k3, k3, 1, nan3, z, NULL)));
  assert_true(isnan(run("cosine_similarity", k3, k3, 1, nan3, z, NULL)));
  assert_true(isnan(run("focal", k3, label, 1, nan3, &c0, g)));
  const float ok3[3] = {0, 1, 0}, zero3[3] = {0, 0, 0}, far3[3] = {1e30F, -1e30F, 3};
  assert_true(isnan(run("hinge", k3, k3, 1, nan3, ok3, NULL)));
  assert_true(isnan(run("dice", k3, k3, 1, nan3, ok3, NULL)));
  /* Focal losses of what is certain, right or wrong. */
  static const char *const focal[] = {"{focal: {alpha: 1}}", "{focal: {alpha: 1, gamma: 0.5}}",
                                      "{focal: {alpha: 1, gamma: 0}}"};
  for (int i = 0; i < 3; i++) {
    assert_true(run(focal[i], k3, label, 1, z, &c0, g) == 0.0);
    assert_true(g[0] == 0.0F && g[1] == 0.0F && g[2] == 0.0F);
    assert_true(run(focal[i], k3, label, 1, z, &c2, g) == 2000.0);
    assert_true(fabsf(g[0] - 1) < 1e-6F && fabsf(g[2] + 1) < 1e-6F);
  }
  for (float gamma = 0; gamma < 3; gamma += 0.5F) {
    char yaml[80];
    snprintf(yaml, sizeof yaml, "{binary_focal: {gamma: %g}}", (double)gamma);
    assert_true(run(yaml, one, one, 1, &big, &yes, g) == 0.0 && g[0] == 0.0F);
    assert_true(run(yaml, one, one, 1, &big, &no, g) == 500.0 && g[0] == 1.0F);
  }
  /* Vectors and fields without size; distances that squares in float would not hold. */
  assert_true(run("cosine_similarity", k3, k3, 1, zero3, z, g) == 0.0 && g[0] == 0.0F);
  assert_true(run("cosine_similarity", k3, k3, 1, z, zero3, g) == 0.0 && g[0] == 0.0F);
  assert_true(fabs(run("cosine_similarity", k3, k3, 1, far3, far3, g) + 1) < 1e-12);
  assert_true(run("relative_l2", k3, k3, 1, far3, far3, g) == 0.0 && g[0] == 0.0F);
  assert_true(run("{relative_l2: {eps: 2}}", k3, k3, 1, ok3, zero3, g) == 0.5 && g[1] == 0.5F);
  assert_true(run("log_cosh", k3, k3, 1, far3, zero3, g) > 6e29 && g[0] > 0.33F);
  /* A class that is nowhere is met. */
  assert_true(fabs(run("dice", k3, k3, 1, zero3, zero3, g)) < 1e-7);
  assert_true(fabs(run("{dice: {smooth: 0}}", k3, k3, 1, zero3, zero3, g)) < 1e-7 && g[0] == 0.0F);
}

static void refusals(void **state) {
  (void)state;
  static const struct {
    const char *loss, *says;
  } configs[] = {{"hing", "no loss \"hing\""},
                 {"{focal: {gamma: -1}}", "gamma"},
                 {"{focal: {class_weights: balance}}", "`balanced`, a list"},
                 {"{focal: {class_weights: [1, x]}}", "class_weights.1: a weight is a number"},
                 {"{focal: {class_weights: [1, -1]}}", "class_weights.1: a weight is a number"},
                 {"{focal: {class_weights: [0, 0]}}", "the weights of all classes are 0"},
                 {"{mse: {class_weights: balanced}}", "class_weights"},
                 {"{mse: {delta: 1}}", "delta"},
                 {"{huber: {delta: 0}}", "delta"},
                 {"{cross_entropy: {label_smoothing: 1.5}}", "label_smoothing"},
                 {"{mae: {reduction: none}}", "reduction"}};
  for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
    ls_config *config = NULL;
    ls__loss *loss = NULL;
    if (make(configs[i].loss, &config, &loss) != LS_ECONFIG ||
        strstr(ls_error_message(), configs[i].says) == NULL)
      fail_msg("%s: \"%s\" should say %s", configs[i].loss, ls_error_message(), configs[i].says);
    assert_null(loss);
    ls_config_destroy(config);
  }
  static const struct {
    const char *loss;
    ls_shape prediction, target;
    bool fits;
  } shapes[] = {{"mse", {1, {3}}, {1, {3}}, true},
                {"mse", {1, {1}}, {0, {0}}, true},
                {"mse", {2, {3, 1}}, {1, {3}}, true},
                {"mse", {1, {3}}, {0, {0}}, false},
                {"mse", {1, {3}}, {1, {4}}, false},
                {"cross_entropy", {1, {3}}, {0, {0}}, true},
                {"cross_entropy", {1, {3}}, {1, {1}}, true},
                {"cross_entropy", {1, {3}}, {1, {3}}, true},
                {"cross_entropy", {2, {7, 3}}, {1, {7}}, true},
                {"cross_entropy", {2, {7, 3}}, {1, {3}}, false},
                {"cross_entropy", {1, {1}}, {0, {0}}, false},
                {"binary_cross_entropy", {1, {3}}, {0, {0}}, false},
                {"binary_cross_entropy", {1, {1}}, {1, {1}}, true},
                {"cross_entropy", {3, {5, 7, 3}}, {2, {5, 7}}, true},
                {"cross_entropy", {3, {5, 7, 3}}, {2, {7, 5}}, false},
                {"focal", {3, {5, 7, 3}}, {2, {5, 7}}, true},
                {"focal", {1, {1}}, {0, {0}}, false},
                {"{focal: {class_weights: [1, 2]}}", {1, {3}}, {0, {0}}, false},
                {"{binary_focal: {class_weights: [1, 2, 3]}}", {1, {1}}, {0, {0}}, false},
                {"kl_divergence", {1, {3}}, {0, {0}}, false},
                {"kl_divergence", {1, {1}}, {0, {0}}, false},
                {"cosine_similarity", {1, {1}}, {0, {0}}, false},
                {"dice", {3, {5, 7, 3}}, {2, {5, 7}}, true},
                {"dice", {3, {5, 7, 1}}, {2, {5, 7}}, true},
                {"dice", {3, {5, 7, 3}}, {2, {5, 3}}, false}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    ls_config *config = NULL;
    ls__loss *loss = NULL;
    assert_int_equal(make(shapes[i].loss, &config, &loss), LS_OK);
    ls_status st = ls__loss_fit(loss, &shapes[i].prediction, &shapes[i].target);
    if ((st == LS_OK) != shapes[i].fits) fail_msg("%s: shapes %zu: %d", shapes[i].loss, i, (int)st);
    ls__loss_destroy(loss);
    ls_config_destroy(config);
  }
}

static void targets(void **state) {
  (void)state;
  static const struct {
    const char *loss;
    ls_shape prediction, target;
    float y[6];
    const char *says;
  } cases[] = {
      {"cross_entropy", {1, {10}}, {0, {0}}, {0, 9, 12}, "sample 1002: label 12 is not in 0..9"},
      {"cross_entropy", {1, {10}}, {0, {0}}, {-1, 9, 1}, "sample 1000: label -1 is not in 0..9"},
      {"cross_entropy",
       {1, {10}},
       {0, {0}},
       {1, 2.5F, 1},
       "sample 1001: label 2.5 is not in 0..9 and no whole number"},
      {"cross_entropy", {1, {10}}, {0, {0}}, {1, NAN, 1}, "sample 1001: label nan"},
      {"cross_entropy",
       {1, {2}},
       {1, {2}},
       {0, 1, 0.5F, 0.5F, 0.25F, 1.75F},
       "sample 1002: target 1.75 of output 1 is not a probability"},
      {"binary_cross_entropy",
       {1, {1}},
       {0, {0}},
       {0, 1, -0.5F},
       "sample 1002: target -0.5 of output 0"},
      {"mse",
       {1, {2}},
       {1, {2}},
       {0, 1, 5, INFINITY, 0, 0},
       "sample 1001: target inf of output 1 is not a finite"},
      {"{relative_l2: {eps: 1}}",
       {1, {2}},
       {1, {2}},
       {0, 1, 5, INFINITY, 0, 0},
       "sample 1001: target inf of output 1 is not a finite"},
      {"relative_l2",
       {1, {2}},
       {1, {2}},
       {0, 1, 5, 2, 0, 0},
       "sample 1002: the target is all zeros, and relative_l2 divides by its norm"},
      {"poisson",
       {1, {2}},
       {1, {2}},
       {0, 1, 5, 2, 0, -1},
       "sample 1002: target -1 of output 1 is no count"},
      {"hinge",
       {1, {2}},
       {1, {2}},
       {0, 1, -1, 0.5F, 0, 1},
       "sample 1001: target 0.5 of output 1 is no yes (1) or no (0 or -1)"},
      {"kl_divergence",
       {1, {2}},
       {1, {2}},
       {0, 1, 0.5F, 0.25F, 0, 1},
       "sample 1001: the target is no distribution: its 2 numbers add up to 0.75"},
      {"kl_divergence",
       {1, {2}},
       {1, {2}},
       {0, 1, 1.5F, -0.5F, 0, 1},
       "sample 1001: target 1.5 of output 0 is not a probability"},
      {"dice",
       {2, {2, 1}},
       {1, {2}},
       {0, 1, 0.5F, 2, 0, 1},
       "sample 1001: target 2 of output 1 is not a probability"},
      {"dice", {2, {2, 3}}, {1, {2}}, {0, 1, 2, 4, 0, 1}, "sample 1001: label 4 is not in 0..2"},
      {"focal", {2, {2, 3}}, {1, {2}}, {0, 1, 2, 4, 0, 1}, "sample 1001: label 4 is not in 0..2"},
      {"binary_focal", {1, {1}}, {0, {0}}, {0, 1, 2}, "sample 1002: target 2 of output 0"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ls_config *config = NULL;
    ls__loss *loss = NULL;
    assert_int_equal(make(cases[i].loss, &config, &loss), LS_OK);
    assert_int_equal(ls__loss_fit(loss, &cases[i].prediction, &cases[i].target), LS_OK);
    ls_status st = ls__loss_check(loss, cases[i].y, 3, 1000);
    if (st != LS_EDATA || strstr(ls_error_message(), cases[i].says) == NULL)
      fail_msg("%d, \"%s\" should say %s", (int)st, ls_error_message(), cases[i].says);
    ls__loss_destroy(loss);
    ls_config_destroy(config);
  }
}

/* Weighted and shortened samples, each against the loss of that sample alone, as short as it is. */
static void weights_and_lengths(void **state) {
  (void)state;
  static const char *const losses[] = {"mse",
                                       "{mse: {half: true}}",
                                       "mae",
                                       "huber",
                                       "binary_cross_entropy",
                                       "cross_entropy",
                                       "{cross_entropy: {from_logits: false}}",
                                       "{cross_entropy: {class_weights: [1, 2, 3, 0]}}",
                                       "{focal: {class_weights: [1, 2, 3, 0]}}",
                                       "{binary_focal: {class_weights: [0.5, 2]}}",
                                       "dice",
                                       "kl_divergence",
                                       "log_cosh",
                                       "relative_l2",
                                       "cosine_similarity",
                                       "poisson",
                                       "hinge"};
  static const float weights[3] = {0.5F, 0, 3};
  static const int32_t lengths[3] = {2, 3, 0};
  for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
    for (int mode = 1; mode < 4; mode++) { /* 1: weights, 2: lengths, 3: both */
      const bool classes = strstr(losses[i], "{cross") != NULL ||
                           strcmp(losses[i], "cross_"
                                             "entropy") == 0 ||
                           strstr(losses[i], "{focal") != NULL || strcmp(losses[i], "dice") == 0;
      const ls_shape prediction = {2, {3, 4}}, target = classes ? (ls_shape){1, {3}} : prediction;
      const size_t outputs = 12, targets = classes ? 3 : 12;
      float score[36], truth[36], dyhat[36], want[36] = {0};
      double sum = 0;
      for (size_t k = 0; k < 36; k++) {
        score[k] = P[k % 12] * (float)(1 + k % 3) / 3;
        truth[k] = classes ? (float)(k % 4) : B[k % 12];
        dyhat[k] = NAN;
      }
      ls_config *config = NULL;
      ls__loss *loss = NULL;
      assert_int_equal(make(losses[i], &config, &loss), LS_OK);
      assert_int_equal(ls__loss_fit(loss, &prediction, &target), LS_OK);
      const double got = ls__loss_run(loss, &(ls__loss_call){.n = 3,
                                                             .yhat = score,
                                                             .y = truth,
                                                             .dyhat = dyhat,
                                                             .weights = mode & 1 ? weights : NULL,
                                                             .lengths = mode & 2 ? lengths : NULL});
      for (size_t s = 0; s < 3; s++) {
        const size_t length = mode & 2 ? (size_t)lengths[s] : 3;
        const double weight = mode & 1 ? (double)weights[s] : 1;
        ls_shape p = prediction, t = target;
        if (length == 0) continue;
        p.dim[0] = t.dim[0] = length;
        assert_int_equal(ls__loss_fit(loss, &p, &t), LS_OK);
        sum += weight * ls__loss_run(loss, &(ls__loss_call){.n = 1,
                                                            .yhat = score + s * outputs,
                                                            .y = truth + s * targets,
                                                            .dyhat = want + s * outputs});
        for (size_t k = 0; k < outputs; k++) want[s * outputs + k] *= (float)weight;
      }
      if (!(fabs(got - sum) <= 1e-12 * fabs(sum)))
        fail_msg("%s, mode %d: %.17g, wanted %.17g", losses[i], mode, got, sum);
      for (size_t k = 0; k < 36; k++)
        if (dyhat[k] != want[k])
          fail_msg("%s, mode %d: gradient %zu is %g, wanted %g", losses[i], mode, k,
                   (double)dyhat[k], (double)want[k]);
      ls__loss_destroy(loss);
      ls_config_destroy(config);
    }
}

static void absorbs(void **state) {
  (void)state;
  static const struct {
    const char *loss, *activation;
    bool takes;
  } cases[] = {{"cross_entropy", "softmax", true},
               {"cross_entropy", "sigmoid", false},
               {"{cross_entropy: {from_logits: false}}", "softmax", false},
               {"binary_cross_entropy", "sigmoid", true},
               {"mse", "sigmoid", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ls_config *config = NULL;
    ls__loss *loss = NULL;
    assert_int_equal(make(cases[i].loss, &config, &loss), LS_OK);
    assert_int_equal(loss->absorbs != NULL && strcmp(loss->absorbs, cases[i].activation) == 0,
                     cases[i].takes);
    ls__loss_destroy(loss);
    ls_config_destroy(config);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(reference),
                                     cmocka_unit_test(gradients),
                                     cmocka_unit_test(additive),
                                     cmocka_unit_test(side_by_side),
                                     cmocka_unit_test(extremes),
                                     cmocka_unit_test(refusals),
                                     cmocka_unit_test(targets),
                                     cmocka_unit_test(absorbs),
                                     cmocka_unit_test(weights_and_lengths)};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (ls__alloc_alive() != 0) printf("%zu blocks were not freed\n", ls__alloc_alive());
  return failed + (ls__alloc_alive() != 0);
}
