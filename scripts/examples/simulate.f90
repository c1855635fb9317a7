! Call a trained network from a simulation loop in Fortran, as simulate.c does in C.  The network of
! train_sine.c stands in for the force in x'' = -sin(x): a pendulum, by the leapfrog scheme, beside the
! same pendulum with the true force.
!
!   F=PREFIX/share/lockstep/fortran
!   gfortran $F/lockstep.f90 simulate.f90 $(pkg-config --libs lockstep) && ./a.out sine.h5
program simulate
  use, intrinsic :: iso_fortran_env, only: error_unit, real64
  use lockstep
  implicit none
  real(real64), parameter :: dt = 0.01_real64
  real(real64) :: x, v, true_x, true_v, sine(1), worst
  type(lockstep_model) :: network
  character(1000) :: path
  integer :: step, status

  path = 'sine.h5'
  if (command_argument_count() > 0) call get_command_argument(1, path)
  call network%load(path, status)
  x = 1
  v = 0
  true_x = x
  true_v = v
  worst = 0
  do step = 1, 1000
    if (status /= 0) exit
    true_v = true_v - dt * sin(true_x)
    true_x = true_x + dt * true_v
    call network%predict([x], sine, status)
    v = v - dt * sine(1)
    x = x + dt * v
    worst = max(worst, abs(x - true_x))
    if (mod(step, 100) == 0) print '(a, f6.2, 2(a, f9.5))', 't', dt * step, '   true', true_x, &
      '   with the network', x
  end do
  if (status /= 0) then
    write (error_unit, '(2a)') 'simulate: ', lockstep_message()
    stop 1
  end if
  print '(a, es9.2)', 'largest difference', worst
end program simulate
