!> Call a network that lockstep has trained from Fortran: load it once, predict as often as you like.
!> Needs no MPI, and may be used in each rank of a program that has its own.  (lockstep_training.f90 trains one.)
!> Compile this file with
!> your program: with CMake by target_link_libraries(... lockstep::fortran), else by
!>
!>   gfortran lockstep.f90 program.f90 $(pkg-config --libs lockstep)
!>
!> Arrays are Fortran's: the sample is the last index, and a sample's indices stand the other way
!> round than in C.  An image of [height, width, channels] is x(channels, width, height).
!>
!>   type(lockstep_model) :: network
!>   integer :: status
!>   call network%load('runs/parts', status)
!>   if (status /= 0) error stop lockstep_message()
!>   call network%predict(x, y, status)             ! x(inputs), y(outputs): one sample
!>   call network%predict(x, y, status)             ! x(inputs, n), y(outputs, n): n samples
!>   call network%predict_array(n, x, y, status)    ! arrays of any rank; their sizes are not checked
!>
!> x and y are real(4), which is what networks compute in, or both real(8), which is converted.
!> Inputs are as in the data file, outputs in the target's own units.
module lockstep
  use, intrinsic :: iso_c_binding, only: c_associated, c_char, c_double, c_f_pointer, c_float, c_int, &
                                         c_null_char, c_null_ptr, c_ptr, c_size_t
  implicit none
  private
  public :: lockstep_model, lockstep_message, lockstep_own_message, lockstep_shape

  !> A trained network.  Not for several threads at once; not to be assigned.  Freed with the variable.
  type :: lockstep_model
    private
    type(c_ptr) :: handle = c_null_ptr
    integer :: n_inputs = 0, n_outputs = 0
  contains
    procedure :: load            !< (path, status): a checkpoint, or a run directory
    procedure :: inputs          !< numbers in one sample's input
    procedure :: outputs         !< numbers in one sample's output
    procedure :: predict_array
    procedure, private :: predict_one, predict_many, predict_one_double, predict_many_double
    generic :: predict => predict_one, predict_many, predict_one_double, predict_many_double
    procedure, private :: copy
    generic :: assignment(=) => copy
    final :: finish
  end type lockstep_model

  integer(c_int), parameter :: wrong_usage = 3 ! LS_EUSAGE of lockstep/status.h
  integer, parameter :: max_dims = 32          ! LS_MAX_DIMS of lockstep/shape.h
  character(len=200) :: lockstep_own_message = '' ! of a failure that was seen here; lockstep_training's, too

  type, bind(c) :: lockstep_shape
    integer(c_int) :: ndim
    integer(c_size_t) :: dim(max_dims)
  end type lockstep_shape

  interface
    function ls_model_load(path, model) bind(c) result(status)
      import :: c_char, c_int, c_ptr
      character(kind=c_char), intent(in) :: path(*)
      type(c_ptr), intent(out) :: model
      integer(c_int) :: status
    end function ls_model_load

    subroutine ls_model_destroy(model) bind(c)
      import :: c_ptr
      type(c_ptr), value :: model
    end subroutine ls_model_destroy

    function ls_model_predict(model, n, x, y) bind(c) result(status)
      import :: c_float, c_int, c_ptr, c_size_t
      type(c_ptr), value :: model
      integer(c_size_t), value :: n
      real(c_float), intent(in) :: x(*)
      real(c_float), intent(inout) :: y(*)
      integer(c_int) :: status
    end function ls_model_predict

    function ls_model_input_shape(model) bind(c) result(shape)
      import :: c_ptr, lockstep_shape
      type(c_ptr), value :: model
      type(lockstep_shape) :: shape
    end function ls_model_input_shape

    function ls_model_output_shape(model) bind(c) result(shape)
      import :: c_ptr, lockstep_shape
      type(c_ptr), value :: model
      type(lockstep_shape) :: shape
    end function ls_model_output_shape

    function ls_error_message() bind(c) result(text)
      import :: c_ptr
      type(c_ptr) :: text
    end function ls_error_message

    function strlen(text) bind(c) result(n)
      import :: c_ptr, c_size_t
      type(c_ptr), value :: text
      integer(c_size_t) :: n
    end function strlen
  end interface

contains

  !> What the last failure was, in one line.
  function lockstep_message() result(message)
    character(:), allocatable :: message
    character(kind=c_char), pointer :: text(:)
    type(c_ptr) :: where_it_is
    integer :: i, n
    if (lockstep_own_message /= '') then
      message = trim(lockstep_own_message)
      return
    end if
    where_it_is = ls_error_message()
    n = int(strlen(where_it_is))
    call c_f_pointer(where_it_is, text, [n])
    allocate (character(n) :: message)
    do i = 1, n
      message(i:i) = text(i)
    end do
  end function lockstep_message

  !> status 0: it is loaded; else lockstep_message() tells why not.
  subroutine load(self, path, status)
    class(lockstep_model), intent(inout) :: self
    character(*), intent(in) :: path
    integer, intent(out) :: status
    call release(self)
    lockstep_own_message = ''
    status = int(ls_model_load(trim(path)//c_null_char, self%handle))
    if (status /= 0) then
      self%handle = c_null_ptr
      return
    end if
    self%n_inputs = elements(ls_model_input_shape(self%handle))
    self%n_outputs = elements(ls_model_output_shape(self%handle))
  end subroutine load

  pure integer function elements(shape)
    type(lockstep_shape), intent(in) :: shape
    elements = int(product(shape%dim(1:shape%ndim)))
  end function elements

  pure integer function inputs(self)
    class(lockstep_model), intent(in) :: self
    inputs = self%n_inputs
  end function inputs

  pure integer function outputs(self)
    class(lockstep_model), intent(in) :: self
    outputs = self%n_outputs
  end function outputs

  subroutine predict_array(self, n, x, y, status)
    class(lockstep_model), intent(in) :: self
    integer, intent(in) :: n
    real(c_float), intent(in) :: x(*)
    real(c_float), intent(inout) :: y(*)
    integer, intent(out) :: status
    status = checked(self, self%n_inputs, self%n_outputs, n, n)
    if (status == 0) status = int(ls_model_predict(self%handle, int(n, c_size_t), x, y))
  end subroutine predict_array

  subroutine predict_one(self, x, y, status)
    class(lockstep_model), intent(in) :: self
    real(c_float), intent(in), contiguous :: x(:)
    real(c_float), intent(inout), contiguous :: y(:)
    integer, intent(out) :: status
    status = checked(self, size(x), size(y), 1, 1)
    if (status == 0) status = int(ls_model_predict(self%handle, 1_c_size_t, x, y))
  end subroutine predict_one

  subroutine predict_many(self, x, y, status)
    class(lockstep_model), intent(in) :: self
    real(c_float), intent(in), contiguous :: x(:, :)
    real(c_float), intent(inout), contiguous :: y(:, :)
    integer, intent(out) :: status
    status = checked(self, size(x, 1), size(y, 1), size(x, 2), size(y, 2))
    if (status == 0) status = int(ls_model_predict(self%handle, size(x, 2, c_size_t), x, y))
  end subroutine predict_many

  subroutine predict_one_double(self, x, y, status)
    class(lockstep_model), intent(in) :: self
    real(c_double), intent(in) :: x(:)
    real(c_double), intent(inout) :: y(:)
    integer, intent(out) :: status
    real(c_float) :: x4(size(x)), y4(size(y))
    x4 = real(x, c_float)
    call self%predict_one(x4, y4, status)
    if (status == 0) y = real(y4, c_double)
  end subroutine predict_one_double

  subroutine predict_many_double(self, x, y, status)
    class(lockstep_model), intent(in) :: self
    real(c_double), intent(in) :: x(:, :)
    real(c_double), intent(inout) :: y(:, :)
    integer, intent(out) :: status
    real(c_float), allocatable :: x4(:, :), y4(:, :)
    allocate (x4(size(x, 1), size(x, 2)), y4(size(y, 1), size(y, 2)))
    x4(:, :) = real(x, c_float)
    call self%predict_many(x4, y4, status)
    if (status == 0) y = real(y4, c_double)
  end subroutine predict_many_double

  !> 0 where arrays fit the network: x(n_x, samples_x), y(n_y, samples_y).
  integer function checked(self, n_x, n_y, samples_x, samples_y)
    class(lockstep_model), intent(in) :: self
    integer, intent(in) :: n_x, n_y, samples_x, samples_y
    lockstep_own_message = ''
    if (.not. c_associated(self%handle)) then
      lockstep_own_message = 'predict: no network is loaded'
    else if (n_x /= self%n_inputs .or. n_y /= self%n_outputs) then
      write (lockstep_own_message, '(4(a, i0))') 'predict: a sample has ', self%n_inputs, ' inputs and ', &
        self%n_outputs, ' outputs, not ', n_x, ' and ', n_y
    else if (samples_x < 0 .or. samples_x /= samples_y) then
      write (lockstep_own_message, '(2(a, i0))') 'predict: samples of x and y: ', samples_x, ' and ', samples_y
    end if
    checked = merge(0, int(wrong_usage), lockstep_own_message == '')
  end function checked

  subroutine copy(self, other)
    class(lockstep_model), intent(inout) :: self
    class(lockstep_model), intent(in) :: other
    if (.not. c_associated(self%handle, other%handle)) error stop 'lockstep: a network can not be assigned'
  end subroutine copy

  subroutine release(self)
    class(lockstep_model), intent(inout) :: self
    call ls_model_destroy(self%handle)
    self%handle = c_null_ptr
    self%n_inputs = 0
    self%n_outputs = 0
  end subroutine release

  subroutine finish(self)
    type(lockstep_model), intent(inout) :: self
    call release(self)
  end subroutine finish

end module lockstep
