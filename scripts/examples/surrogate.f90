! A simulation that trains its surrogate while it runs, as surrogate.c does in C: pendulums,
! x'' = -sin(x) - 0.1 x', by the fourth-order Runge-Kutta scheme, and a network that learns to go 0.4 s
! ahead in one call.  Each lane of the trainer has a pendulum of its own, each rank runs those of its
! lanes; so the weights are the same, bit for bit, on any number of ranks.
!
!   F=PREFIX/share/lockstep/fortran
!   mpif90 $F/lockstep.f90 $F/lockstep_training.f90 surrogate.f90 $(pkg-config --libs lockstep) -o surrogate
!   mpirun -n 2 ./surrogate [STEPS [FILE]]                   3000 steps; FILE gets the network
program surrogate
  use, intrinsic :: iso_fortran_env, only: error_unit, real32, real64
  use lockstep_training
  use mpi
  implicit none
  integer, parameter :: most = 32, lasts = 50, motions = 20
  character(*), parameter :: config = '{model: [{dense: {units: 32, activation: tanh}}, '// &
    '{dense: {units: 32, activation: tanh}}, {dense: {units: 2}}], loss: mse, '// &
    'optimizer: {adam: {lr: 0.003}}, train: {batch: 32, seed: 1, lanes: 32}, output: none}'
  type(lockstep_trainer) :: trainer
  real(real64) :: state(2, most), loss, square
  real(real32) :: x(2, most), y(2, most), seen(2, motions * lasts), wanted(2, motions * lasts), &
    guess(2, motions * lasts)
  integer :: all, first, last, n, i, m, step, steps, rank, status, ignored
  logical :: tells
  character(1000) :: text

  call MPI_Init(ignored)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank, ignored)
  steps = 3000
  call get_command_argument(1, text)
  if (text /= '') read (text, *) steps

  call trainer%create(MPI_COMM_WORLD, config, 2, 2, status)
  call trainer%lanes(all, first, last)
  n = last - first + 1
  do step = 0, steps - 1
    if (status /= 0) exit
    do i = 1, n
      call sample(state(:, i), first + i - 2, step, x(:, i), y(:, i))
    end do
    if (step == steps * 2 / 3) call trainer%set_lr(0.0003_real64, status) ! of the program's own
    if (status /= 0) exit
    tells = mod(step + 1, 1000) == 0
    if (tells) then
      call trainer%feed(x(:, 1:n), y(:, 1:n), status, lane_samples=[(1, i=1, n)], loss=loss)
      if (rank == 0) print '(a, i0, a, es8.2)', 'step ', step + 1, ': loss ', loss
    else
      call trainer%feed(x(:, 1:n), y(:, 1:n), status, lane_samples=[(1, i=1, n)])
    end if
  end do

  ! Motions that weren't trained on.
  if (status == 0) then
    i = 0
    do m = 1, motions
      state(:, 1) = let_go(m - 1, 1000000)
      do step = 1, lasts
        i = i + 1
        call watch(state(:, 1), seen(:, i), wanted(:, i))
      end do
    end do
    call trainer%predict(seen, guess, status)
    square = sum((real(guess, real64) - real(wanted, real64))**2) / size(guess)
    if (rank == 0) print '(a, es8.2, a, z16.16)', 'while it ran: error ', sqrt(square), ', weights ', &
      trainer%weights_hash()
  end if
  call get_command_argument(2, text)
  if (status == 0 .and. text /= '') call trainer%save_network(text, status)
  if (status /= 0 .and. rank == 0) write (error_unit, '(2a)') 'surrogate: ', lockstep_message()
  call trainer%destroy()
  call MPI_Finalize(ignored)
  if (status /= 0) stop 1

contains

  ! Where a pendulum begins, by two numbers alone: a sequence that fills the square evenly.
  pure function let_go(lane, start) result(state)
    integer, intent(in) :: lane, start
    real(real64) :: state(2), k
    k = 1 + lane + most * real(start, real64)
    state = 2.4_real64 * (mod(k * [0.7548776662466927_real64, 0.5698402909980532_real64], 1.0_real64) - 0.5_real64)
  end function let_go

  ! The sample of a lane (from 0) in a step.  Not all are let go anew at once.
  subroutine sample(state, lane, step, x, y)
    real(real64), intent(inout) :: state(2)
    integer, intent(in) :: lane, step
    real(real32), intent(out) :: x(2), y(2)
    if (step == 0 .or. mod(step + lane, lasts) == 0) state = let_go(lane, (step + lane) / lasts)
    call watch(state, x, y)
  end subroutine sample

  ! Where a pendulum is, how far it comes in 0.4 s, and it is there.
  subroutine watch(state, x, y)
    real(real64), intent(inout) :: state(2)
    real(real32), intent(out) :: x(2), y(2)
    real(real64) :: before(2)
    before = state
    call advance(state(1), state(2))
    x = real(before, real32)
    y = real(state - before, real32)
  end subroutine watch

  subroutine advance(x, v)
    real(real64), intent(inout) :: x, v
    real(real64), parameter :: dt = 0.01_real64
    real(real64) :: v1, v2, v3, v4, a1, a2, a3, a4
    integer :: k
    do k = 1, 40
      v1 = v
      a1 = slowing(x, v)
      v2 = v + dt / 2 * a1
      a2 = slowing(x + dt / 2 * v1, v2)
      v3 = v + dt / 2 * a2
      a3 = slowing(x + dt / 2 * v2, v3)
      v4 = v + dt * a3
      a4 = slowing(x + dt * v3, v4)
      x = x + dt / 6 * (v1 + 2 * v2 + 2 * v3 + v4)
      v = v + dt / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
    end do
  end subroutine advance

  pure real(real64) function slowing(x, v)
    real(real64), intent(in) :: x, v
    slowing = -sin(x) - 0.1_real64 * v
  end function slowing
end program surrogate
